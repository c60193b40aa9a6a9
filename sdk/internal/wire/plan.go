package wire

import (
	"fmt"
	"time"

	pb "github.com/pakhus/pakhus/sdk/internal/pluginpb"
	"github.com/pakhus/pakhus/sdk/spec"
)

// PlanToProto converts a plan; nil stays nil.
func PlanToProto(p *spec.Plan) (*pb.Plan, error) {
	if p == nil {
		return nil, nil
	}
	preconditions, err := tryEach("preconditions", p.Preconditions, preconditionToProto)
	if err != nil {
		return nil, err
	}
	operations, err := tryEach("operations", p.Operations, operationToProto)
	if err != nil {
		return nil, err
	}
	jobs, err := tryEach("jobs", p.Jobs, enqueueToProto)
	if err != nil {
		return nil, err
	}
	return &pb.Plan{Preconditions: preconditions, Operations: operations, Jobs: jobs, Touch: p.Touch, ProjectId: p.ProjectID}, nil
}

// PlanFromProto converts a plan; nil stays nil. An operation or precondition
// that this contract does not know is an error, never left out.
func PlanFromProto(p *pb.Plan) (*spec.Plan, error) {
	if p == nil {
		return nil, nil
	}
	preconditions, err := tryEach("preconditions", p.GetPreconditions(), preconditionFromProto)
	if err != nil {
		return nil, err
	}
	operations, err := tryEach("operations", p.GetOperations(), operationFromProto)
	if err != nil {
		return nil, err
	}
	jobs, err := tryEach("jobs", p.GetJobs(), enqueueFromProto)
	if err != nil {
		return nil, err
	}
	return &spec.Plan{Preconditions: preconditions, Operations: operations, Jobs: jobs, Touch: p.GetTouch(), ProjectID: p.GetProjectId()}, nil
}

func preconditionToProto(p spec.Precondition) (*pb.Precondition, error) {
	out := &pb.Precondition{OnFailure: responseToProto(p.OnFailure)}
	switch check := p.Check.(type) {
	case spec.PackageAbsent:
		out.Check = &pb.Precondition_PackageAbsent_{PackageAbsent: &pb.Precondition_PackageAbsent{
			Name: check.Name, Version: check.Version,
		}}
	case spec.PackageUnchanged:
		out.Check = &pb.Precondition_PackageUnchanged_{PackageUnchanged: &pb.Precondition_PackageUnchanged{
			Id: check.ID, LockVersion: check.LockVersion,
		}}
	case spec.FileAbsent:
		out.Check = &pb.Precondition_FileAbsent_{FileAbsent: &pb.Precondition_FileAbsent{
			Name: check.Name, Version: check.Version, FileKey: check.FileKey,
		}}
	case spec.FilePresent:
		out.Check = &pb.Precondition_FilePresent_{FilePresent: &pb.Precondition_FilePresent{
			Name: check.Name, Version: check.Version, FileKey: check.FileKey,
		}}
	case spec.RowPresent:
		where, err := RowToProto(check.Where)
		if err != nil {
			return nil, within("where", err)
		}
		out.Check = &pb.Precondition_RowPresent_{RowPresent: &pb.Precondition_RowPresent{Table: check.Table, Where: where}}
	default:
		return nil, fmt.Errorf("check: unknown type %T", p.Check)
	}
	return out, nil
}

func preconditionFromProto(p *pb.Precondition) (spec.Precondition, error) {
	out := spec.Precondition{OnFailure: responseFromProto(p.GetOnFailure())}
	switch check := p.GetCheck().(type) {
	case *pb.Precondition_PackageAbsent_:
		out.Check = spec.PackageAbsent{Name: check.PackageAbsent.GetName(), Version: check.PackageAbsent.GetVersion()}
	case *pb.Precondition_PackageUnchanged_:
		out.Check = spec.PackageUnchanged{ID: check.PackageUnchanged.GetId(), LockVersion: check.PackageUnchanged.GetLockVersion()}
	case *pb.Precondition_FileAbsent_:
		c := check.FileAbsent
		out.Check = spec.FileAbsent{Name: c.GetName(), Version: c.GetVersion(), FileKey: c.GetFileKey()}
	case *pb.Precondition_FilePresent_:
		c := check.FilePresent
		out.Check = spec.FilePresent{Name: c.GetName(), Version: c.GetVersion(), FileKey: c.GetFileKey()}
	case *pb.Precondition_RowPresent_:
		where, err := RowFromProto(check.RowPresent.GetWhere())
		if err != nil {
			return out, within("where", err)
		}
		out.Check = spec.RowPresent{Table: check.RowPresent.GetTable(), Where: where}
	default:
		return out, unset("check", p)
	}
	return out, nil
}

// enqueueToProto rounds the delay up: a job is never early.
func enqueueToProto(j spec.EnqueueJob) (*pb.EnqueueJob, error) {
	if j.Delay < 0 {
		return nil, fmt.Errorf("delay: negative: %s", j.Delay)
	}
	seconds := int64((j.Delay + time.Second - 1) / time.Second)
	return &pb.EnqueueJob{Kind: j.Kind, ArgsJson: j.ArgsJSON, DelaySeconds: seconds, UniqueKey: j.UniqueKey}, nil
}

func enqueueFromProto(j *pb.EnqueueJob) (spec.EnqueueJob, error) {
	const longest = 10 * 365 * 24 * 3600 // far under what a Duration holds
	if s := j.GetDelaySeconds(); s < 0 || s > longest {
		return spec.EnqueueJob{}, fmt.Errorf("delay_seconds: out of range: %d", s)
	}
	return spec.EnqueueJob{
		Kind: j.GetKind(), ArgsJSON: none(j.GetArgsJson()),
		Delay: time.Duration(j.GetDelaySeconds()) * time.Second, UniqueKey: j.GetUniqueKey(),
	}, nil
}

// responseToProto converts an answer made by a plugin; nil stays nil.
func responseToProto(r *spec.HTTPResponse) *pb.HttpResponse {
	if r == nil {
		return nil
	}
	return &pb.HttpResponse{Status: int32of(r.Status), Headers: valuesToProto(r.Header), Body: r.Body}
}

func responseFromProto(r *pb.HttpResponse) *spec.HTTPResponse {
	if r == nil {
		return nil
	}
	return &spec.HTTPResponse{Status: int(r.GetStatus()), Header: valuesFromProto(r.GetHeaders()), Body: none(r.GetBody())}
}

// valuesToProto converts headers, query parameters and form fields.
func valuesToProto(m map[string][]string) map[string]*pb.HeaderValues {
	if len(m) == 0 {
		return nil
	}
	out := make(map[string]*pb.HeaderValues, len(m))
	for name, values := range m {
		name = text(name)
		if out[name] == nil {
			out[name] = &pb.HeaderValues{}
		}
		for _, v := range values {
			out[name].Values = append(out[name].Values, text(v))
		}
	}
	return out
}

func valuesFromProto(m map[string]*pb.HeaderValues) map[string][]string {
	if len(m) == 0 {
		return nil
	}
	out := make(map[string][]string, len(m))
	for name, values := range m {
		out[name] = values.GetValues()
	}
	return out
}
