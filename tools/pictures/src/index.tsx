// A dashboard as a page: window.PICTURE holds what tools/pictures wrote, the page draws it in Grafana's grid.

import { type DataFrame, EventBusSrv, type GrafanaTheme2, ThemeContext, type TimeRange, createTheme, dateTime } from '@grafana/data';
import { GlobalStyles, PanelChrome, PanelContextProvider, type PanelContext } from '@grafana/ui';
import { createRoot } from 'react-dom/client';

import { type Answer, framesOf } from './answers';
import { configured, transformed } from './fields';
import { KINDS, type Panel, isEmpty } from './panels';

interface Picture {
  title: string;
  variables: Array<{ label: string; value: string }>;
  from: number;
  to: number;
  step: number;
  width: number;
  panels: Array<{ panel: Panel; answers: Answer[] }>;
}

declare global {
  interface Window {
    PICTURE: Picture;
  }
}

const MARGIN = 16;
const HEADER = 96;
const CELL = 30;
const GAP = 8;

const picture = window.PICTURE;
const theme = createTheme({ colors: { mode: 'dark' } });
const timeRange: TimeRange = {
  from: dateTime(picture.from * 1000),
  to: dateTime(picture.to * 1000),
  raw: { from: 'now-24h', to: 'now' },
};
const context: PanelContext = { eventsScope: 'global', eventBus: new EventBusSrv() };

function Header({ theme }: { theme: GrafanaTheme2 }) {
  const muted = { color: theme.colors.text.secondary };
  return (
    <header style={{ height: HEADER - GAP, padding: `14px ${MARGIN}px 0` }}>
      <div style={{ display: 'flex', justifyContent: 'space-between' }}>
        <span style={{ fontSize: 18, fontWeight: 500 }}>{picture.title}</span>
        <span style={muted}>Last 24 hours, UTC</span>
      </div>
      <div style={{ display: 'flex', gap: 8, marginTop: 10 }}>
        {picture.variables.map(({ label, value }) => (
          <span key={label} style={{ border: `1px solid ${theme.colors.border.medium}`, borderRadius: 2 }}>
            <span style={{ ...muted, padding: '3px 8px', display: 'inline-block' }}>{label}</span>
            <span style={{ padding: '3px 8px', display: 'inline-block', background: theme.colors.background.canvas }}>
              {value}
            </span>
          </span>
        ))}
      </div>
    </header>
  );
}

function Tile({ panel, frames }: { panel: Panel; frames: DataFrame[] }) {
  const column = (picture.width - 2 * MARGIN + GAP) / 24;
  const { x, y, w, h } = panel.gridPos;
  const width = column * w - GAP;
  const height = h * (CELL + GAP) - GAP;
  const place = { position: 'absolute', left: MARGIN + column * x, top: HEADER + y * (CELL + GAP), width, height };
  if (panel.type === 'row') {
    return (
      <div style={{ ...place, position: 'absolute', paddingTop: 4, fontWeight: 500, fontSize: 16 }}>⌄ {panel.title}</div>
    );
  }
  const Kind = KINDS[panel.type];
  const flush = panel.type === 'table' || panel.type === 'stat';
  return (
    <div style={{ ...place, position: 'absolute' }}>
      <PanelChrome title={panel.title} width={width} height={height} padding={flush ? 'none' : 'md'}>
        {(innerWidth, innerHeight) =>
          isEmpty(panel, frames) ? (
            <div className="nothing" style={{ width: innerWidth, height: innerHeight }}>
              {panel.fieldConfig.defaults.noValue ?? 'No data'}
            </div>
          ) : (
            <PanelContextProvider value={context}>
              <Kind {...{ panel, frames, theme, timeRange }} width={innerWidth} height={innerHeight} />
            </PanelContextProvider>
          )
        }
      </PanelChrome>
    </div>
  );
}

async function draw() {
  const drawn = await Promise.all(
    picture.panels.map(async ({ panel, answers }) => {
      if (panel.type === 'row') {
        return { panel, frames: [] };
      }
      const frames = await transformed(framesOf(answers, picture.step), panel.transformations ?? []);
      return { panel, frames: configured(frames, panel.fieldConfig, theme, (text) => text) };
    })
  );
  const style = document.createElement('style');
  style.textContent = `
    .nothing { display: flex; align-items: center; justify-content: center; color: ${theme.colors.text.secondary}; }
  `;
  document.head.append(style);
  createRoot(document.getElementById('page')!).render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <Header theme={theme} />
      {drawn.map(({ panel, frames }) => (
        <Tile key={panel.id} panel={panel} frames={frames} />
      ))}
    </ThemeContext.Provider>
  );
}

void draw();
