package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/internal/sources"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/recording"
)

// listMoments prints the moments of a recording: a line for each stack, with how many rows of
// which kinds there are. What cannot be read goes to complaints, and is show.ErrIncomplete in the end.
func listMoments(path string, out, complaints io.Writer) (err error) {
	file, err := recording.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	failed := false
	complain := func(err error) {
		if err != nil {
			failed = true
			fmt.Fprintln(complaints, "netstat:", escaped(err.Error()))
		}
	}
	complain(file.Damage())
	lines := tabwriter.NewWriter(out, 0, 8, 1, ' ', 0)
	if file.Len() > 0 {
		fmt.Fprintln(lines, "Time\tRecorded by\tNetwork stack\tRows of each kind")
	}
	for moment, err := range file.Moments() {
		if err != nil {
			complain(err)
			continue
		}
		began := moment.Time().Format(time.RFC3339)
		if moment.Ended().IsZero() {
			began += " (cut short)"
		}
		by := escaped(moment.Host().Name)
		if by == "" {
			by = "-"
		}
		for _, stack := range moment.Stacks() {
			fmt.Fprintf(lines, "%s\t%s\t%s\t%s\n", began, by, escaped(sources.RecordedLabel(stack)), rowsOfKinds(stack))
		}
		if len(moment.Stacks()) == 0 {
			fmt.Fprintf(lines, "%s\t%s\t-\t-\n", began, by)
		}
	}
	if err := lines.Flush(); err != nil {
		return err
	}
	if failed {
		return show.ErrIncomplete
	}
	return nil
}

func escaped(name string) string { return string(table.AppendEscaped(nil, name)) }

// rowsOfKinds writes how many rows of each kind a stack has, kinds without a row left out, and
// of which kinds some could not be read.
func rowsOfKinds(stack *recording.Stack) string {
	if err := stack.Err(); err != nil {
		return "could not be opened"
	}
	var kinds []recording.Kind
	rows := make(map[recording.Kind]uint64)
	lack := make(map[recording.Kind]bool)
	for _, c := range stack.Contents() {
		if c.Err != nil && !errors.Is(c.Err, netstat.ErrNotSupported) {
			lack[c.Kind] = true
		}
		if !slices.Contains(kinds, c.Kind) {
			kinds = append(kinds, c.Kind)
		}
		rows[c.Kind] += c.Rows
	}
	text := ""
	for _, kind := range kinds {
		if rows[kind] == 0 && !lack[kind] {
			continue
		}
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("%d %s", rows[kind], escaped(string(kind)))
		if lack[kind] {
			text += " (incomplete)"
		}
	}
	if text == "" {
		return "none"
	}
	return text
}
