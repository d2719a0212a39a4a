"""The Qt process: draws core's latest snapshot on the touch panel and sends back what the person there wants.

It decides nothing and keeps nothing; a restart costs a second and no money. Front doors: `app.run` (the process `pilepay screen`) and
`stage.shoot` (one snapshot to one picture). Qt is imported only in this room, and of the product only `kiosk.protocol`.
"""
