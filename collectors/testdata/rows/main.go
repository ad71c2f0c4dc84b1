// Command rows prints what collectors reads of a network namespace, one row in
// each line, for a test that compares builds for different machines.
package main

import (
	"context"
	"fmt"
	"iter"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func main() {
	if err := printAll(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func printAll(netns string) error {
	k, err := collectors.Open(collectors.Options{NetNS: netns})
	if err != nil {
		return err
	}
	defer k.Close()
	ctx := context.Background()
	endpoints := netstat.EndpointQuery{Memory: true, Processes: true}
	lines := []string{fmt.Sprint(reflect.TypeFor[uintptr]().Bits(), " bits")}
	for _, read := range []func(*[]string) error{
		rows(k.Sockets(ctx, netstat.SocketQuery{Details: netstat.AllDetails, Processes: true})),
		rows(k.UnixSockets(ctx, endpoints)),
		rows(k.PacketSockets(ctx, endpoints)),
		rows(k.ListenQueues(ctx, netstat.SocketQuery{})),
		rows(k.Interfaces(ctx)),
		rows(k.Addresses(ctx)),
		rows(k.Routes(ctx, netstat.RouteQuery{})),
	} {
		if err := read(&lines); err != nil {
			return err
		}
	}
	// The first line says which build this is.
	slices.Sort(lines[1:])
	fmt.Println(strings.Join(lines, "\n"))
	return nil
}

func rows[Row any](all iter.Seq2[Row, error]) func(*[]string) error {
	return func(lines *[]string) error {
		for row, err := range all {
			if err != nil {
				return err
			}
			var b strings.Builder
			write(&b, reflect.ValueOf(&row).Elem())
			*lines = append(*lines, b.String())
		}
		return nil
	}
}

// clocks are the fields that change by themselves.
var clocks = []string{"Expires", "LastDataSent", "LastDataReceived", "LastAckReceived", "LastChange"}

// write writes a value, what pointers point to included.
func write(b *strings.Builder, v reflect.Value) {
	if get := v.MethodByName("Get"); get.IsValid() && v.Kind() == reflect.Struct {
		results := get.Call(nil)
		if !results[1].Bool() {
			b.WriteString("-")
			return
		}
		v = reflect.New(results[0].Type()).Elem()
		v.Set(results[0])
	}
	switch {
	case v.Kind() == reflect.Pointer && v.IsNil():
		b.WriteString("nil")
	case v.Kind() == reflect.Pointer:
		write(b, v.Elem())
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		b.WriteByte('[')
		for i := range v.Len() {
			write(b, v.Index(i))
			b.WriteByte(' ')
		}
		b.WriteByte(']')
	case v.Kind() == reflect.Struct && !v.Type().Implements(reflect.TypeFor[fmt.Stringer]()):
		fmt.Fprintf(b, "%s{", v.Type().Name())
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && !slices.Contains(clocks, f.Name) {
				b.WriteString(f.Name + ":")
				write(b, v.Field(i))
				b.WriteByte(' ')
			}
		}
		b.WriteByte('}')
	default:
		fmt.Fprintf(b, "%v", v.Interface())
	}
}
