package wire

import (
	"errors"
	"fmt"

	pb "github.com/pakhus/pakhus/sdk/internal/pluginpb"
	"github.com/pakhus/pakhus/sdk/spec"
)

func contextToProto(c spec.RequestContext) (*pb.RequestContext, error) {
	project, err := projectToProto(c.Project)
	if err != nil {
		return nil, within("project", err)
	}
	actor, err := actorToProto(c.Actor)
	if err != nil {
		return nil, within("actor", err)
	}
	return &pb.RequestContext{
		RequestId: c.RequestID, Scope: c.Scope, Project: project, Actor: actor,
		BaseUrl: text(c.BaseURL), Attempt: int32of(c.Attempt),
		Group:    &pb.Group{Id: c.Group.ID, Path: text(c.Group.Path)},
		Settings: settingsToProto(c.Settings),
	}, nil
}

func contextFromProto(c *pb.RequestContext) (spec.RequestContext, error) {
	project, err := projectFromProto(c.GetProject())
	if err != nil {
		return spec.RequestContext{}, within("project", err)
	}
	actor, err := actorFromProto(c.GetActor())
	if err != nil {
		return spec.RequestContext{}, within("actor", err)
	}
	return spec.RequestContext{
		RequestID: c.GetRequestId(), Scope: c.GetScope(), Project: project, Actor: actor,
		BaseURL: c.GetBaseUrl(), Attempt: int(c.GetAttempt()),
		Group:    spec.Group{ID: c.GetGroup().GetId(), Path: c.GetGroup().GetPath()},
		Settings: settingsFromProto(c.GetSettings()),
	}, nil
}

func settingsToProto(s spec.PackageSettings) *pb.PackageSettings {
	return &pb.PackageSettings{
		Decided: s.Decided, RefuseDuplicates: s.RefuseDuplicates, DuplicateException: text(s.DuplicateException), KeepSnapshots: int32of(s.KeepSnapshots),
	}
}

func settingsFromProto(s *pb.PackageSettings) spec.PackageSettings {
	return spec.PackageSettings{
		Decided: s.GetDecided(), RefuseDuplicates: s.GetRefuseDuplicates(), DuplicateException: s.GetDuplicateException(), KeepSnapshots: int(s.GetKeepSnapshots()),
	}
}

// RequestToProto converts a request.
func RequestToProto(r *spec.Request) (*pb.HandleRequestRequest, error) {
	about, err := contextToProto(r.RequestContext)
	if err != nil {
		return nil, within("context", err)
	}
	level, err := levelToProto(r.Level)
	if err != nil {
		return nil, err
	}
	prefetched, err := tryEach("prefetched", r.Prefetched, func(found []spec.FoundPackage) (*pb.HandleRequestRequest_Prefetched, error) {
		packages, err := tryEach("packages", found, foundToProto)
		return &pb.HandleRequestRequest_Prefetched{Packages: packages}, err
	})
	if err != nil {
		return nil, err
	}
	rows, err := tryEach("prefetched_rows", r.PrefetchedRows, func(rows []spec.Row) (*pb.HandleRequestRequest_PrefetchedRows, error) {
		converted, err := RowsToProto(rows)
		return &pb.HandleRequestRequest_PrefetchedRows{Rows: converted}, err
	})
	if err != nil {
		return nil, err
	}
	params := make(map[string]string, len(r.Params))
	for name, value := range r.Params {
		params[name] = text(value)
	}
	return &pb.HandleRequestRequest{
		Context:    about,
		RouteId:    r.RouteID,
		Level:      level,
		Params:     params,
		Query:      valuesToProto(r.Query),
		Headers:    valuesToProto(r.Header),
		MediaType:  r.MediaType,
		Body:       r.Body,
		Form:       valuesToProto(r.Form),
		Uploads:    each(r.Uploads, uploadToProto),
		Prefetched: prefetched,

		PrefetchedRows: rows,
	}, nil
}

// RequestFromProto converts a request.
func RequestFromProto(r *pb.HandleRequestRequest) (*spec.Request, error) {
	about, err := contextFromProto(r.GetContext())
	if err != nil {
		return nil, within("context", err)
	}
	level, err := levelFromProto(r.GetLevel())
	if err != nil {
		return nil, err
	}
	prefetched, err := tryEach("prefetched", r.GetPrefetched(), func(p *pb.HandleRequestRequest_Prefetched) ([]spec.FoundPackage, error) {
		return tryEach("packages", p.GetPackages(), foundFromProto)
	})
	if err != nil {
		return nil, err
	}
	rows, err := tryEach("prefetched_rows", r.GetPrefetchedRows(), func(p *pb.HandleRequestRequest_PrefetchedRows) ([]spec.Row, error) {
		return RowsFromProto(p.GetRows())
	})
	if err != nil {
		return nil, err
	}
	return &spec.Request{
		RequestContext: about,
		RouteID:        r.GetRouteId(),
		Level:          level,
		Params:         r.GetParams(),
		Query:          valuesFromProto(r.GetQuery()),
		Header:         valuesFromProto(r.GetHeaders()),
		MediaType:      r.GetMediaType(),
		Body:           none(r.GetBody()),
		Form:           valuesFromProto(r.GetForm()),
		Uploads:        each(r.GetUploads(), uploadFromProto),
		Prefetched:     prefetched,
		PrefetchedRows: rows,
	}, nil
}

func uploadToProto(u spec.Upload) *pb.Upload {
	return &pb.Upload{
		Handle: u.Handle, Part: text(u.Part), FileName: text(u.FileName), ContentType: text(u.ContentType),
		Size: u.Size, Digests: digestsToProto(u.Digests), Inline: u.Inline, Head: u.Head,
	}
}

func uploadFromProto(u *pb.Upload) spec.Upload {
	return spec.Upload{
		Handle: u.GetHandle(), Part: u.GetPart(), FileName: u.GetFileName(), ContentType: u.GetContentType(),
		Size: u.GetSize(), Digests: digestsFromProto(u.GetDigests()), Inline: none(u.GetInline()), Head: none(u.GetHead()),
	}
}

// HeadToProto converts a response to the first message of an answer. The body
// of an HTTPResponse stands in it whole: the caller splits it.
func HeadToProto(r *spec.Response) (*pb.HandleRequestResponse_Head, error) {
	if r == nil {
		return nil, errors.New("no response")
	}
	plan, err := PlanToProto(r.Plan)
	if err != nil {
		return nil, within("plan", err)
	}
	out := &pb.HandleRequestResponse_Head{Plan: plan}
	switch o := r.Outcome.(type) {
	case *spec.HTTPResponse:
		out.Outcome = &pb.HandleRequestResponse_Head_Response{Response: responseToProto(o)}
	case *spec.SendFile:
		send, err := sendFileToProto(o)
		if err != nil {
			return nil, within("send_file", err)
		}
		out.Outcome = &pb.HandleRequestResponse_Head_SendFile{SendFile: send}
	case *spec.Redirect:
		out.Outcome = &pb.HandleRequestResponse_Head_Redirect{Redirect: &pb.Redirect{
			Status: int32of(o.Status), Location: o.Location,
		}}
	case *spec.IssueToken:
		out.Outcome = &pb.HandleRequestResponse_Head_IssueToken{IssueToken: &pb.IssueToken{
			Template: responseToProto(&o.Template), Placeholder: o.Placeholder, Name: o.Name,
		}}
	case *spec.StartLogin:
		out.Outcome = &pb.HandleRequestResponse_Head_StartLogin{StartLogin: &pb.StartLogin{
			Template: responseToProto(&o.Template), LoginUrlPlaceholder: o.LoginURLPlaceholder,
			LoginIdPlaceholder: o.LoginIDPlaceholder, Name: o.Name,
		}}
	case *spec.PollLogin:
		out.Outcome = &pb.HandleRequestResponse_Head_PollLogin{PollLogin: &pb.PollLogin{
			LoginId: o.LoginID, Pending: responseToProto(&o.Pending), Template: responseToProto(&o.Template),
			Placeholder: o.Placeholder, Gone: responseToProto(&o.Gone),
		}}
	default:
		return nil, fmt.Errorf("outcome: unknown type %T", r.Outcome)
	}
	return out, nil
}

// HeadFromProto converts the first message of an answer.
func HeadFromProto(h *pb.HandleRequestResponse_Head) (*spec.Response, error) {
	if h == nil {
		return nil, errors.New("head: not set")
	}
	plan, err := PlanFromProto(h.GetPlan())
	if err != nil {
		return nil, within("plan", err)
	}
	out := &spec.Response{Plan: plan}
	switch o := h.GetOutcome().(type) {
	case *pb.HandleRequestResponse_Head_Response:
		response := template(o.Response)
		out.Outcome = &response
	case *pb.HandleRequestResponse_Head_SendFile:
		if out.Outcome, err = sendFileFromProto(o.SendFile); err != nil {
			return nil, within("send_file", err)
		}
	case *pb.HandleRequestResponse_Head_Redirect:
		out.Outcome = &spec.Redirect{Status: int(o.Redirect.GetStatus()), Location: o.Redirect.GetLocation()}
	case *pb.HandleRequestResponse_Head_IssueToken:
		out.Outcome = &spec.IssueToken{
			Template:    template(o.IssueToken.GetTemplate()),
			Placeholder: o.IssueToken.GetPlaceholder(),
			Name:        o.IssueToken.GetName(),
		}
	case *pb.HandleRequestResponse_Head_StartLogin:
		out.Outcome = &spec.StartLogin{
			Template:            template(o.StartLogin.GetTemplate()),
			LoginURLPlaceholder: o.StartLogin.GetLoginUrlPlaceholder(),
			LoginIDPlaceholder:  o.StartLogin.GetLoginIdPlaceholder(),
			Name:                o.StartLogin.GetName(),
		}
	case *pb.HandleRequestResponse_Head_PollLogin:
		out.Outcome = &spec.PollLogin{
			LoginID:     o.PollLogin.GetLoginId(),
			Pending:     template(o.PollLogin.GetPending()),
			Template:    template(o.PollLogin.GetTemplate()),
			Placeholder: o.PollLogin.GetPlaceholder(),
			Gone:        template(o.PollLogin.GetGone()),
		}
	default:
		return nil, unset("outcome", h)
	}
	return out, nil
}

// template converts an answer that has to be there; one that is missing has status 0.
func template(r *pb.HttpResponse) spec.HTTPResponse {
	if r == nil {
		return spec.HTTPResponse{}
	}
	return *responseFromProto(r)
}

func sendFileToProto(s *spec.SendFile) (*pb.SendFile, error) {
	out := &pb.SendFile{ContentType: s.ContentType, FileName: s.FileName, Headers: valuesToProto(s.Header)}
	switch {
	case s.FileID != 0 && s.UploadHandle != "":
		return nil, errors.New("file: names both a stored file and an upload")
	case s.FileID != 0:
		out.File = &pb.SendFile_PackageFileId{PackageFileId: s.FileID}
	case s.UploadHandle != "":
		out.File = &pb.SendFile_UploadHandle{UploadHandle: s.UploadHandle}
	default:
		return nil, errors.New("file: names no file")
	}
	return out, nil
}

func sendFileFromProto(s *pb.SendFile) (*spec.SendFile, error) {
	out := &spec.SendFile{ContentType: s.GetContentType(), FileName: s.GetFileName(), Header: valuesFromProto(s.GetHeaders())}
	switch file := s.GetFile().(type) {
	case *pb.SendFile_PackageFileId:
		out.FileID = file.PackageFileId
	case *pb.SendFile_UploadHandle:
		out.UploadHandle = file.UploadHandle
	default:
		return nil, unset("file", s)
	}
	return out, nil
}

// JobToProto converts a job.
func JobToProto(j *spec.Job) (*pb.RunJobRequest, error) {
	about, err := contextToProto(j.RequestContext)
	if err != nil {
		return nil, within("context", err)
	}
	return &pb.RunJobRequest{Context: about, Kind: j.Kind, ArgsJson: j.ArgsJSON, Attempt: about.GetAttempt()}, nil
}

// JobFromProto converts a job.
func JobFromProto(j *pb.RunJobRequest) (*spec.Job, error) {
	about, err := contextFromProto(j.GetContext())
	if err != nil {
		return nil, within("context", err)
	}
	return &spec.Job{RequestContext: about, Kind: j.GetKind(), ArgsJSON: none(j.GetArgsJson())}, nil
}

// EventToProto converts an event.
func EventToProto(e *spec.Event) (*pb.HandleEventRequest, error) {
	about, err := contextToProto(e.RequestContext)
	if err != nil {
		return nil, within("context", err)
	}
	return &pb.HandleEventRequest{Context: about, Event: &pb.Event{
		Id: e.ID, Type: e.Type, Package: packageToProto(e.Package), At: timeToProto(e.At),
	}}, nil
}

// EventFromProto converts an event.
func EventFromProto(r *pb.HandleEventRequest) (*spec.Event, error) {
	about, err := contextFromProto(r.GetContext())
	if err != nil {
		return nil, within("context", err)
	}
	e := r.GetEvent()
	return &spec.Event{
		RequestContext: about, ID: e.GetId(), Type: e.GetType(),
		Package: packageFromProto(e.GetPackage()), At: timeFromProto(e.GetAt()),
	}, nil
}
