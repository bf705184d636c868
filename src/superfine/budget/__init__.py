"""What a machine can do in a given time and memory: measured once, foretold for each picture.

`amounts` reads and tells times and memory, `speed` measures, `kept` remembers what was measured,
`forecast` says what a picture will take.
"""
