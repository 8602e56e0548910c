package sample

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// ReportInput is the argument of Report.
type ReportInput struct {
	Shop string `json:"shop"`
}

// ReportResult is the result of Report.
type ReportResult struct {
	Shop string `json:"shop"`
	// Day is the day that the report is about, in UTC, as in "2026-01-31".
	Day string `json:"day"`
}

// Report reports the day before the time of its schedule, or, without a schedule, the day before its start. So a
// backfill makes the reports of the days that it is for.
func Report(ctx workflow.Context, input ReportInput) (ReportResult, error) {
	at, scheduled := workflow.GetTypedSearchAttributes(ctx).GetTime(temporal.NewSearchAttributeKeyTime("TemporalScheduledStartTime"))
	if !scheduled {
		at = workflow.Now(ctx)
	}
	return ReportResult{Shop: input.Shop, Day: at.UTC().AddDate(0, 0, -1).Format(time.DateOnly)}, nil
}
