"""What the scripts share: processes that always end, interleaved rounds, tables, the page.

script.py      what a script is, and what it is given
tools.py       programs that must be there
processes.py   processes with their memory and processor time
rounds.py      interleaved rounds, medians
machine.py     what the figures were measured on, and whether it was busy
results.py     figures as JSON;  tables.py, page.py  docs/performance.md from them
population.py  series of realistic shape, from a seed;  state.py  a state file that holds them
contestants.py the exporter and its peers with the same series;  bare.py  its web server alone
service.py     the program itself as a process
rivals.py      prometheus_client, in both ways that one would use it
client.py      the scraper, as a process;  flat_out.py  the exporter with every target polled flat out
canned.py      an upstream whose answers were made beforehand, as a process;  reader.py  a target that reads it
"""
