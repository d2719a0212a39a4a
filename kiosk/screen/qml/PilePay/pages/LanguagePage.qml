import QtQuick
import PilePay

// Every language by its own name, all at once.
LanguagePicker {}
