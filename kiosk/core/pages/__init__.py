"""What the screen shows: the kiosk's state and the visit, put into sentences, numbers and controls.

Front door: `compose.compose`. Nothing here decides; it reads what is durable and says it in the visit's language.
"""
