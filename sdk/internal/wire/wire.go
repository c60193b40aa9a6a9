// Package wire converts between the contract as plain structs (sdk/spec) and
// its protobuf form (sdk/proto), in both directions, one file per proto file:
// manifest.go, model.go, plan.go, plugin.go, host.go. What both halves of the
// connection share of gRPC is in grpc.go.
//
// Conversions to protobuf are named XToProto, those from it XFromProto. They
// fail, naming the field, on what the other side could not understand: a oneof
// member or an enum value of a newer contract, a Go type that a row cannot
// carry, a reference that names nothing. Additive fields of a newer contract
// are ignored, as the contract's compatibility rules want.
//
// An empty map, list or byte string arrives as nil, except inside a Row, where
// nil means null and an empty value is kept as an empty one.
package wire

import (
	"fmt"
	"math"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// within says in which field err happened.
func within(field string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", field, err)
}

// unset is the error for a oneof without a known member. A member that is on
// the wire but unknown here is left among the message's unknown fields.
func unset(field string, m proto.Message) error {
	if len(m.ProtoReflect().GetUnknown()) > 0 {
		return fmt.Errorf("%s: unknown kind, made for a newer version of the contract", field)
	}
	return fmt.Errorf("%s: not set", field)
}

// hasUnknown reports whether m carries fields of a newer contract.
func hasUnknown(m proto.Message) bool {
	return len(m.ProtoReflect().GetUnknown()) > 0
}

// enumFromProto converts an enum whose numbers are the same on both sides;
// enums_test.go holds them together.
func enumFromProto[S ~int, P interface {
	~int32
	protoreflect.Enum
}](field string, p P) (S, error) {
	if p.Descriptor().Values().ByNumber(p.Number()) == nil {
		return 0, fmt.Errorf("%s: unknown value %d, made for a newer version of the contract", field, p.Number())
	}
	return S(p), nil
}

// enumToProto is the other direction of enumFromProto.
func enumToProto[P interface {
	~int32
	protoreflect.Enum
}, S ~int](field string, s S) (P, error) {
	p := P(int32of(int(s)))
	if p.Descriptor().Values().ByNumber(p.Number()) == nil {
		return 0, fmt.Errorf("%s: unknown value %d", field, int(s))
	}
	return p, nil
}

// each converts a list with a conversion that cannot fail.
func each[A, B any](in []A, convert func(A) B) []B {
	if len(in) == 0 {
		return nil
	}
	out := make([]B, len(in))
	for i, a := range in {
		out[i] = convert(a)
	}
	return out
}

// tryEach converts a list; an error names the element.
func tryEach[A, B any](field string, in []A, convert func(A) (B, error)) ([]B, error) {
	if len(in) == 0 {
		return nil, nil
	}
	out := make([]B, len(in))
	for i, a := range in {
		b, err := convert(a)
		if err != nil {
			return nil, fmt.Errorf("%s[%d]: %w", field, i, err)
		}
		out[i] = b
	}
	return out, nil
}

// text makes what a client sent fit a protobuf string, which must be UTF-8:
// bytes that are not become U+FFFD. Without it one odd query parameter would be
// a failed call instead of a value that no validator accepts.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// int32of converts counts and limits, of which no honest one is out of range.
func int32of(n int) int32 { return int32(min(max(n, math.MinInt32), math.MaxInt32)) }

func durationToProto(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}

func durationFromProto(field string, d *durationpb.Duration) (time.Duration, error) {
	if d == nil {
		return 0, nil
	}
	if err := d.CheckValid(); err != nil {
		return 0, within(field, err)
	}
	return d.AsDuration(), nil
}

// timeToProto leaves the zero time out.
func timeToProto(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// timeFromProto returns the time in UTC.
func timeFromProto(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}
