"""Sentences, numbers, money and dates in the driver's language.

The front door is `Wording(language)` in `kiosk.wording.wording`; `LANGUAGES` names what can be chosen. The sentences lie in
`assets/i18n/<language>/LC_MESSAGES/pilepay.po` under symbolic names (`fault.declined.title`); English is the source and complete.
"""
