"""What goes wrong, on the real thing. Each long run is one command that prints its seed and its figures:

`make faults`: a thousand kills; `python -m tests.faults.outage`: half an hour without MongoDB;
`python -m tests.faults.reports`: reports that stay exact;
`python -m tests.bench.capture`: ten thousand writes in every way; `make bench ARGS="lag backlog --seconds 300 --events
100000"`. The tests here are their short forms.
"""
