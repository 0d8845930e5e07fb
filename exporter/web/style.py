"""The looks of the status page: dark and light as the reader's system, tables that become cards where it is narrow."""

from __future__ import annotations

from typing import Final

from exporter.web.headers import style_policy

STYLE: Final = """
:root {
  color-scheme: light dark;
  --paper: #ffffff; --sheet: #f6f8fa; --ink: #1b1f24; --faint: #57606a; --line: #d0d7de; --link: #0550ae;
  --good: #116329; --bad: #a40e26; --warn: #7d4e00; --bad-paper: #ffebe9;
  font: 0.9375rem/1.45 system-ui, sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0d1117; --sheet: #161b22; --ink: #e6edf3; --faint: #9da7b3; --line: #3d444d; --link: #79c0ff;
    --good: #56d364; --bad: #ff9b95; --warn: #e3b341; --bad-paper: #3a1a1d;
  }
}
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 100rem; padding: 1rem 1.25rem 3rem; background: var(--paper); color: var(--ink) }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1.5rem; margin-bottom: 1rem }
h1 { font-size: 1.25rem; margin: 0 }
h2 { font-size: 1.0625rem; margin: 2rem 0 .25rem }
p { margin: .25rem 0 }
a { color: var(--link) }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem }
nav a, thead a { text-decoration: none }
nav a:hover, thead a:hover { text-decoration: underline }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px }
[role=alert] { background: var(--bad-paper); border-left: .25rem solid var(--bad); padding: .5rem .75rem }
[role=alert] pre { margin: .25rem 0 0; white-space: pre-wrap; font: inherit }
table { border-collapse: collapse; width: 100%; margin-top: .5rem }
thead th { white-space: nowrap; background: var(--sheet) }
th, td { text-align: left; vertical-align: top; padding: .5rem .6rem; border-bottom: 1px solid var(--line) }
tbody th { font-weight: 600 }
tbody th time, tbody th .faint { font-weight: 400 }
.lines > * { display: block }
td .lines { white-space: nowrap }
tbody th { min-width: 9rem; overflow-wrap: anywhere }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
.faint { color: var(--faint) }
.good { color: var(--good); font-weight: 600 }
.bad { color: var(--bad); font-weight: 600 }
.warn { color: var(--warn); font-weight: 600 }
.hint { border-left: .2rem solid var(--line); padding-left: .5rem; margin-top: .25rem }
.wide { min-width: 16rem; overflow-wrap: anywhere }
code { font-size: .875em; overflow-wrap: anywhere }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 .6rem; margin: 0 }
dt { color: var(--faint) }
dd { margin: 0 }
@media (max-width: 64rem) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
  table, tbody, tr, tbody th, td { display: block }
  tr { border: 1px solid var(--line); border-radius: .4rem; margin: .75rem 0; padding: .4rem .75rem }
  tbody th, td { border: 0; padding: .2rem 0; display: grid; grid-template-columns: 7.5rem minmax(0, 1fr); gap: .5rem }
  tbody th::before, td::before { content: attr(data-title); color: var(--faint); font-weight: 400 }
  td:empty { display: none }
  .wide, tbody th { min-width: 0 }
  td .lines { white-space: normal }
  dl { grid-template-columns: minmax(0, 1fr) }
}
"""

STYLE_POLICY: Final = style_policy(STYLE)
