import { HeatmapColorMode, HeatmapColorOptionsBuilder, HeatmapColorScale } from '@grafana/grafana-foundation-sdk/heatmap'
import { PanelBuilder as HeatmapPanel } from '@grafana/grafana-foundation-sdk/heatmap'
import { GraphDrawStyle, GraphThresholdsStyleMode, LegendDisplayMode, LegendPlacement } from '@grafana/grafana-foundation-sdk/common'
import { GraphThresholdsStyleConfigBuilder, VizLegendOptionsBuilder } from '@grafana/grafana-foundation-sdk/common'
import { ThresholdsConfigBuilder, ThresholdsMode } from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StatPanel } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TimeseriesPanel } from '@grafana/grafana-foundation-sdk/timeseries'
import { METRICS, type MetricName } from '../metrics/table.ts'

/** Panels of the dashboards, by Grafana's typed builders. Each says in its description what the metric means. */

/** What a panel asks: legend -> query. */
export type Queries = Readonly<Record<string, string>>

/** The variable of the dashboards for the data source. */
export const DATASOURCE = { type: 'prometheus', uid: '${datasource}' }

export interface PanelOptions {
  readonly title: string
  /** What it is made of. */
  readonly metric: MetricName
  readonly queries: Queries
  readonly unit: string
  /** A line at this value, and red above it. */
  readonly limit?: number
  /** Bars: each stands for events, not for a level. */
  readonly events?: boolean
}

export function lines({ title, metric, queries, unit, limit, events = false }: PanelOptions): TimeseriesPanel {
  const panel = new TimeseriesPanel()
    .title(title)
    .description(METRICS[metric].description)
    .datasource(DATASOURCE)
    .unit(unit)
    .min(0)
    .drawStyle(events ? GraphDrawStyle.Bars : GraphDrawStyle.Line)
    .legend(new VizLegendOptionsBuilder().showLegend(true).displayMode(LegendDisplayMode.List).placement(LegendPlacement.Bottom))
  if (limit !== undefined) {
    const steps = [
      { value: null, color: 'green' },
      { value: limit, color: 'red' },
    ]
    panel
      .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps))
      .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed))
  }
  for (const [legend, expr] of Object.entries(queries)) panel.withTarget(target(legend, expr, metric))
  return panel
}

export function heatMap(title: string, metric: MetricName, expr: string): HeatmapPanel {
  return new HeatmapPanel()
    .title(title)
    .description(METRICS[metric].description)
    .datasource(DATASOURCE)
    .calculate(false)
    .color(viridis())
    .withTarget(target('{{le}}', expr, metric).format(PromQueryFormat.Heatmap))
}

export function stat(title: string, metric: MetricName, expr: string, redFrom: number): StatPanel {
  const steps = [
    { value: null, color: 'green' },
    { value: redFrom, color: 'red' },
  ]
  return new StatPanel()
    .title(title)
    .description(METRICS[metric].description)
    .datasource(DATASOURCE)
    .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps))
    .withTarget(target(title, expr, metric))
}

/** Of a histogram with its exemplars, each of which is a trace that is kept: Grafana asks for them only where it is told to. */
function target(legend: string, expr: string, metric: MetricName): DataqueryBuilder {
  const query = new DataqueryBuilder().datasource(DATASOURCE).expr(expr).legendFormat(legend)
  return METRICS[metric].kind === 'histogram' ? query.exemplar(true) : query
}

/** A scale that the colour-blind can read. */
function viridis(): HeatmapColorOptionsBuilder {
  return new HeatmapColorOptionsBuilder()
    .mode(HeatmapColorMode.Scheme)
    .scheme('Viridis')
    .scale(HeatmapColorScale.Exponential)
    .exponent(0.5)
    .steps(64)
}
