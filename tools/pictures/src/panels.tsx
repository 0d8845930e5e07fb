// The four kinds of panels, drawn with the components that Grafana's own panels use.

import {
  type DataFrame,
  type FieldConfigSource,
  type FieldDisplay,
  type GrafanaTheme2,
  type TimeRange,
  VizOrientation,
  getDisplayValueAlignmentFactors,
  getFieldDisplayValues,
} from '@grafana/data';
import { BarGauge, BigValue, TimeSeries, VizRepeater } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import type { ReactElement } from 'react';

export interface Panel {
  id: number;
  type: 'stat' | 'timeseries' | 'bargauge' | 'table' | 'row';
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  // Options are the plugin's own; each kind below knows its own.
  options: any;
  fieldConfig: FieldConfigSource;
  transformations?: Array<{ id: string; options: unknown }>;
}

interface Size {
  width: number;
  height: number;
}

export interface Surroundings {
  theme: GrafanaTheme2;
  timeRange: TimeRange;
}

const unchanged = (text: string) => text;

function displayValues(panel: Panel, frames: DataFrame[], theme: GrafanaTheme2): FieldDisplay[] {
  return getFieldDisplayValues({
    fieldConfig: panel.fieldConfig,
    reduceOptions: panel.options.reduceOptions,
    replaceVariables: unchanged,
    theme,
    data: frames,
    timeZone: 'utc',
  });
}

export function Stat({ panel, frames, theme, width, height }: Body): ReactElement {
  const values = displayValues(panel, frames, theme);
  return (
    <VizRepeater
      getValues={() => values}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderValue={({ value, width: w, height: h, alignmentFactors, count }) => (
        <BigValue
          value={value.display}
          width={w}
          height={h}
          count={count}
          theme={theme}
          alignmentFactors={alignmentFactors}
          colorMode={panel.options.colorMode}
          graphMode={panel.options.graphMode}
          justifyMode={panel.options.justifyMode}
          textMode={panel.options.textMode}
        />
      )}
      width={width}
      height={height}
      source={frames}
      autoGrid
      orientation={panel.options.orientation}
      renderCounter={0}
      itemSpacing={3}
    />
  );
}

export function Bars({ panel, frames, theme, width, height }: Body): ReactElement {
  const values = displayValues(panel, frames, theme);
  return (
    <VizRepeater
      getValues={() => values}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderValue={({ value, width: w, height: h, alignmentFactors, orientation }) => (
        <BarGauge
          value={value.display}
          width={w}
          height={h}
          field={value.field}
          display={value.display && value.view?.getFieldDisplayProcessor(value.colIndex ?? 0)}
          orientation={orientation}
          theme={theme}
          itemSpacing={8}
          displayMode={panel.options.displayMode}
          showUnfilled={panel.options.showUnfilled}
          valueDisplayMode={panel.options.valueMode}
          namePlacement={panel.options.namePlacement}
          alignmentFactors={values.length > 1 ? alignmentFactors : undefined}
          text={panel.options.text}
        />
      )}
      width={width}
      height={height}
      source={frames}
      orientation={VizOrientation.Horizontal}
      renderCounter={0}
      itemSpacing={8}
      minVizWidth={panel.options.minVizWidth}
      minVizHeight={panel.options.minVizHeight}
      maxVizHeight={panel.options.maxVizHeight}
    />
  );
}

export function Lines({ panel, frames, theme, timeRange, width, height }: Body): ReactElement {
  return (
    <TimeSeries
      frames={frames}
      structureRev={1}
      width={width}
      height={height}
      timeRange={timeRange}
      timeZone="utc"
      legend={panel.options.legend}
      options={panel.options}
    />
  );
}

export function Rows({ panel, frames, timeRange, width, height }: Body): ReactElement {
  return (
    <TableNG
      data={frames[0]}
      width={width}
      height={height}
      timeRange={timeRange}
      sortBy={panel.options.sortBy}
      cellHeight={panel.options.cellHeight}
      fieldConfig={panel.fieldConfig}
      noHeader={!panel.options.showHeader}
      enableVirtualization={false}
      structureRev={1}
    />
  );
}

export type Body = { panel: Panel; frames: DataFrame[] } & Surroundings & Size;

export const KINDS: Record<string, (body: Body) => ReactElement> = {
  stat: Stat,
  bargauge: Bars,
  timeseries: Lines,
  table: Rows,
};

/** Whether Grafana would show the panel's words for "nothing" instead of the drawing. */
export function isEmpty(panel: Panel, frames: DataFrame[]): boolean {
  return (panel.type === 'timeseries' || panel.type === 'table') && !frames.some((frame) => frame.length > 0);
}
