package metrics

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Metrics are time series by the names of their metrics.
type Metrics map[string][]labels.Labels

// variables are the variables of Grafana that occur in durations of queries, and values for them.
var variables = strings.NewReplacer("$__rate_interval", "5m") //nolint:gochecknoglobals // constant

// metricName is the label with the name of the metric.
const metricName = "__name__"

// quantileLabel is the label with the quantile of a summary.
const quantileLabel = "quantile"

// newParser returns a parser of PromQL without experimental features.
func newParser() parser.Parser { return parser.NewParser(parser.Options{}) }

// targetLabels are the labels that Prometheus, or the discovery of its targets, adds to each series.
func targetLabels() []string { return []string{"cluster", "namespace", "job", "instance"} }

// Parse adds the series of a response to GET /metrics in the OpenMetrics format.
func (m Metrics) Parse(text string) error {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		series, _, _ := strings.Cut(line, " ")
		if strings.Contains(series, "{") { // the value of a label may contain a space, and a route ends before a quotation mark
			series, _, _ = strings.Cut(line, "} ")
			series += "}"
		}
		parsed, err := newParser().ParseMetric(series)
		if err != nil {
			return fmt.Errorf("%s: %w", strings.TrimSpace(line), err)
		}
		name := parsed.Get(metricName)
		m[name] = append(m[name], parsed)
	}
	return nil
}

// Record adds the series that a recording rule records. They have the labels of a deployment only.
func (m Metrics) Record(name string) {
	m[name] = []labels.Labels{labels.FromStrings(metricName, name)}
}

// Check parses a query and returns an error if it uses a metric or a label that does not exist.
func (m Metrics) Check(query string) error {
	expression, err := newParser().ParseExpr(variables.Replace(query))
	if err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	var failed error
	parser.Inspect(expression, func(node parser.Node, _ []parser.Node) error {
		if failed == nil && node != nil {
			failed = m.checkNode(node)
		}
		return failed
	})
	if failed != nil {
		return fmt.Errorf("%s: %w", query, failed)
	}
	return nil
}

func (m Metrics) checkNode(node parser.Node) error {
	switch node := node.(type) {
	case *parser.VectorSelector:
		return m.checkSelector(node)
	case *parser.AggregateExpr:
		return m.checkLabels(node.Expr, node.Grouping)
	case *parser.BinaryExpr:
		if node.VectorMatching == nil {
			return nil
		}
		for _, side := range []parser.Expr{node.LHS, node.RHS} {
			if err := m.checkLabels(side, node.VectorMatching.MatchingLabels); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkSelector returns an error if no series has the name and the labels of a selector. The bounds of histograms and the
// quantiles of summaries must match, too. Other values occur only with certain traffic, such as a status.
func (m Metrics) checkSelector(selector *parser.VectorSelector) error {
	series, known := m[selector.Name]
	if !known {
		return fmt.Errorf("no gateway exports the metric %q", selector.Name)
	}
	for _, matcher := range selector.LabelMatchers {
		exists := slices.Contains(targetLabels(), matcher.Name) || slices.ContainsFunc(series, func(l labels.Labels) bool {
			constant := matcher.Name == labels.BucketLabel || matcher.Name == quantileLabel
			return l.Has(matcher.Name) && (!constant || matcher.Matches(l.Get(matcher.Name)))
		})
		if !exists {
			return fmt.Errorf("no series of %s matches %s", selector.Name, matcher)
		}
	}
	return nil
}

// checkLabels returns an error if no series of an expression has one of the labels.
func (m Metrics) checkLabels(expression parser.Expr, names []string) error {
	for _, name := range names {
		if !m.hasLabel(expression, name) {
			return fmt.Errorf("no series of %s has the label %q", expression, name)
		}
	}
	return nil
}

func (m Metrics) hasLabel(expression parser.Expr, name string) bool {
	found := slices.Contains(targetLabels(), name)
	parser.Inspect(expression, func(node parser.Node, _ []parser.Node) error {
		if selector, is := node.(*parser.VectorSelector); is {
			found = found || slices.ContainsFunc(m[selector.Name], func(l labels.Labels) bool { return l.Has(name) })
		}
		return nil
	})
	return found
}

// CheckLabels returns an error if a text refers to a label that no series of the query has. The expression finds the
// references: its first group is the name.
func (m Metrics) CheckLabels(query, text string, reference *regexp.Regexp) error {
	expression, err := newParser().ParseExpr(variables.Replace(query))
	if err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	for _, match := range reference.FindAllStringSubmatch(text, -1) {
		if err := m.checkLabels(expression, match[1:2]); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
	}
	return nil
}

// Names returns the names of the metrics that a query uses.
func Names(query string) ([]string, error) {
	expression, err := newParser().ParseExpr(variables.Replace(query))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	names := []string{}
	parser.Inspect(expression, func(node parser.Node, _ []parser.Node) error {
		if selector, is := node.(*parser.VectorSelector); is {
			names = append(names, selector.Name)
		}
		return nil
	})
	return names, nil
}
