// The rules of ../rules as a monitoring mixin, for people who deploy with jsonnet:
//
//   jb install github.com/automation-exporter/automation-exporter/prometheus
//
//   (import 'prometheus/mixin/mixin.libsonnet') + {
//     _config+:: { dashboardsUrl: 'https://grafana.company.example/d', disabled: ['AutomationFailureReasonNew'] },
//   }
//
// It adds nothing of its own: what a rule says is written in one place, tools/rules.
local shipped = {
  runbooksUrl: 'https://github.com/automation-exporter/automation-exporter/blob/main/prometheus/runbooks.md',
  dashboardsUrl: 'https://grafana.example.net/d',
  exporterUrl: 'https://automation-exporter.example.net',
};

{
  // Also runbooksUrl, dashboardsUrl and exporterUrl (the status page as people reach it): what links begin with.
  _config+:: shipped {
    // Labels that every alert gets besides its own, for routing.
    labels: {},
    // Alerts to leave out, by name.
    disabled: [],
  },

  local config = self._config,

  local configured(rule) =
    rule {
      labels: config.labels + rule.labels,
      annotations+: {
        runbook_url: std.strReplace(super.runbook_url, shipped.runbooksUrl, config.runbooksUrl),
        dashboard_url: std.strReplace(super.dashboard_url, shipped.dashboardsUrl, config.dashboardsUrl),
        [if std.objectHas(rule.annotations, 'runs_url') then 'runs_url']:
          std.strReplace(super.runs_url, shipped.exporterUrl, config.exporterUrl),
      },
    },

  local alerts(text) = [
    group { rules: [configured(rule) for rule in group.rules if !std.member(config.disabled, rule.alert)] }
    for group in std.parseYaml(text).groups
  ],

  prometheusRules+:: {
    groups+: std.parseYaml(importstr '../rules/recording.yaml').groups,
  },

  prometheusAlerts+:: {
    groups+: alerts(importstr '../rules/workloads.yaml') + alerts(importstr '../rules/exporter.yaml'),
  },
}
