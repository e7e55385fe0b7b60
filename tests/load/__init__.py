"""The shop under load, as in production: gunicorn with production settings, relay, sender of mails, deliverer of
webhooks, visitors in a process of their own. Each long run is one command that prints its figures:

`python -m tests.load`: half an hour at 70 % of what was measured first, no error, flat memory;
`python -m tests.load.rolling`: every part restarted under load, again and again, and no request fails;
`python -m tests.load.exhaust`: stores that are full, slow, silent or gone; a clear answer in time, nothing lost.
The tests here are their short forms.
"""
