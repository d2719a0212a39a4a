"""The far ends without I/O: time, ids and chance come in, so that the demo, the tests and the simulated world share one model of each."""
