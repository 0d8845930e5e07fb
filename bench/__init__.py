"""How fast the exporter is beside its peers, in one run that anybody can repeat: ``./run bench``.

    ./run bench                  every script; writes bench/results/ and docs/performance.md
    ./run bench scrape refresh   just these
    ./run bench --quick          does every script still work? small sizes, tables to the screen, nothing is kept
    ./run bench --write          docs/performance.md anew from bench/results/, without measuring

A script is a module here with ``TITLE``, ``ORDER``, ``TOOLS``, ``measure``, ``goals`` and ``section``
(``kit/script.py``). Contestants take turns in interleaved rounds, figures are medians, and what counts are ratios of
one run: absolute times are those of one machine. Nothing here is a timed test.
"""
