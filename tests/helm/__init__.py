"""The chart, its alarms and its dashboard."""
