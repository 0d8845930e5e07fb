// What Prometheus answered, as the frames that Grafana's Prometheus data source would make of it.

import { type DataFrame, FieldType, type Field, createDataFrame } from '@grafana/data';

/** One series: its labels, and points as [unix seconds, value]. */
export interface Row {
  labels: Record<string, string>;
  points: Array<[number, number]>;
}

/** A query of a panel with its answer. */
export interface Answer {
  refId: string;
  legend: string;
  table: boolean;
  exemplar: boolean;
  rows: Row[];
}

/** The name of a series: its legend with labels filled in, or all of its labels. */
function seriesName(legend: string, labels: Record<string, string>): string {
  if (legend) {
    return legend.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name: string) => labels[name] ?? '');
  }
  const all = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  return all.length ? `{${all.join(', ')}}` : 'Value';
}

function table(answer: Answer, several: boolean): DataFrame {
  const names = [...new Set(answer.rows.flatMap((row) => Object.keys(row.labels)))].sort();
  const fields: Array<Partial<Field> & { name: string }> = [
    { name: 'Time', type: FieldType.time, values: answer.rows.map((row) => row.points[0][0] * 1000) },
    ...names.map((name) => ({
      name,
      type: FieldType.string,
      values: answer.rows.map((row) => row.labels[name] ?? ''),
    })),
    {
      name: several ? `Value #${answer.refId}` : 'Value',
      type: FieldType.number,
      values: answer.rows.map((row) => row.points[0][1]),
    },
  ];
  return createDataFrame({ refId: answer.refId, fields: fields as Field[] });
}

/** With nothing where a point is missing, as Grafana's panel puts it in: there the line breaks off. */
function withGaps(points: Row['points'], step: number): Array<[number, number | null]> {
  const filled: Array<[number, number | null]> = [];
  for (const [at, value] of points) {
    for (let missing = (filled.at(-1)?.[0] ?? at) + step; missing < at; missing += step) {
      filled.push([missing, null]);
    }
    filled.push([at, value]);
  }
  return filled;
}

function series(answer: Answer, step: number): DataFrame[] {
  return answer.rows.map((row) => {
    const points = withGaps(row.points, step);
    return createDataFrame({
      refId: answer.refId,
      fields: [
        { name: 'Time', type: FieldType.time, config: {}, values: points.map(([at]) => at * 1000) },
        {
          name: 'Value',
          type: FieldType.number,
          labels: row.labels,
          config: { displayNameFromDS: seriesName(answer.legend, row.labels) },
          values: points.map(([, value]) => value),
        },
      ],
    });
  });
}

/** All frames of a panel; `step` is the resolution of range queries in seconds. */
export function framesOf(answers: Answer[], step: number): DataFrame[] {
  return answers.flatMap((answer) => {
    if (answer.rows.length === 0) {
      return [];
    }
    return answer.table ? [table(answer, answers.length > 1)] : series(answer, step);
  });
}
