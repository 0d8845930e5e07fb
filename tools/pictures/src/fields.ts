// From a panel's answers to fields that know how to show themselves: transformations, then options and overrides,
// both with Grafana's own functions.

import {
  type ApplyFieldOverrideOptions,
  type DataFrame,
  type DataTransformerConfig,
  FieldConfigOptionsRegistry,
  type FieldConfigPropertyItem,
  type FieldConfigSource,
  type GrafanaTheme2,
  type TransformerRegistryItem,
  applyFieldOverrides,
  cacheFieldDisplayNames,
  identityOverrideProcessor,
  standardTransformers,
  standardTransformersRegistry,
  transformDataFrame,
} from '@grafana/data';
import { firstValueFrom } from 'rxjs';

const STANDARD = ['unit', 'min', 'max', 'decimals', 'displayName', 'noValue', 'color', 'thresholds', 'mappings', 'links'];
const CUSTOM = [
  ...['width', 'align', 'cellOptions', 'inspect', 'filterable'],
  ...['drawStyle', 'lineInterpolation', 'lineWidth', 'fillOpacity', 'gradientMode', 'showPoints', 'pointSize', 'spanNulls'],
  ...['stacking', 'axisPlacement', 'axisBorderShow', 'axisSoftMin', 'thresholdsStyle'],
];

function item(path: string, isCustom: boolean): FieldConfigPropertyItem {
  return {
    id: isCustom ? `custom.${path}` : path,
    path,
    name: path,
    isCustom,
    editor: () => null,
    override: () => null,
    process: identityOverrideProcessor,
    settings: {},
    shouldApply: () => true,
  } as unknown as FieldConfigPropertyItem;
}

const registry = new FieldConfigOptionsRegistry(() => [
  ...STANDARD.map((path) => item(path, false)),
  ...CUSTOM.map((path) => item(path, true)),
]);

standardTransformersRegistry.setInit(() =>
  [
    standardTransformers.mergeTransformer,
    standardTransformers.filterFieldsByNameTransformer,
    standardTransformers.organizeFieldsTransformer,
    standardTransformers.filterFieldsTransformer,
    standardTransformers.orderFieldsTransformer,
    standardTransformers.renameFieldsTransformer,
    standardTransformers.noopTransformer,
  ].map(
    (transformer) =>
      ({
        id: transformer.id,
        name: transformer.name,
        description: transformer.description ?? '',
        transformation: async () => transformer,
        editor: () => null,
        imageDark: '',
        imageLight: '',
      }) as unknown as TransformerRegistryItem
  )
);

export async function transformed(frames: DataFrame[], steps: DataTransformerConfig[]): Promise<DataFrame[]> {
  return steps.length && frames.length ? firstValueFrom(transformDataFrame(steps, frames)) : frames;
}

export function configured(
  frames: DataFrame[],
  fieldConfig: FieldConfigSource,
  theme: GrafanaTheme2,
  replaceVariables: ApplyFieldOverrideOptions['replaceVariables']
): DataFrame[] {
  const shown = applyFieldOverrides({
    data: frames,
    fieldConfig,
    fieldConfigRegistry: registry,
    replaceVariables,
    theme,
    timeZone: 'utc',
  });
  cacheFieldDisplayNames(shown);
  return shown;
}
