package wire

import (
	"fmt"

	pb "github.com/pakhus/pakhus/sdk/internal/pluginpb"
	"github.com/pakhus/pakhus/sdk/spec"
)

func routeToProto(r spec.Route) (*pb.Route, error) {
	levels, err := tryEach("levels", r.Levels, levelToProto)
	if err != nil {
		return nil, err
	}
	action, err := enumToProto[pb.Action]("action", r.Action)
	if err != nil {
		return nil, err
	}
	challenge, err := enumToProto[pb.Challenge]("challenge", r.Challenge)
	if err != nil {
		return nil, err
	}
	denial, err := enumToProto[pb.AnonymousDenial]("anonymous_denial", r.AnonymousDenial)
	if err != nil {
		return nil, err
	}
	body, err := bodyToProto(r.Body)
	if err != nil {
		return nil, within("body", err)
	}
	out := &pb.Route{
		Id:       r.ID,
		Method:   r.Method,
		Pattern:  r.Pattern,
		Levels:   levels,
		Action:   action,
		Body:     body,
		Prefetch: each(r.Prefetch, FinderToProto),
		PrefetchQueries: each(r.PrefetchQueries, func(q spec.PrefetchQuery) *pb.PrefetchQuery {
			return &pb.PrefetchQuery{Name: q.Name, Arguments: q.Arguments}
		}),
		Timeout:         durationToProto(r.Timeout),
		Challenge:       challenge,
		AnonymousDenial: denial,
		Authenticated:   r.Authenticated,
		MatchHeaders:    r.MatchHeaders,
		Produces:        r.Produces,
		FeatureFlag:     r.FeatureFlag,
		PackageName:     r.PackageName,
	}
	if r.Cache != nil {
		out.Cache = &pb.CachePolicy{Keys: r.Cache.Keys, VaryQuery: r.Cache.VaryQuery}
	}
	if d := r.DirectFile; d != nil {
		out.DirectFile = &pb.DirectFile{ContentType: d.ContentType, Header: d.Header}
	}
	if d := r.DirectRow; d != nil {
		out.DirectRow = &pb.DirectRow{ContentType: d.ContentType}
	}
	if b := r.BodyCredentials; b != nil {
		out.BodyCredentials = &pb.BodyCredentials{UsernameField: b.UsernameField, PasswordField: b.PasswordField}
	}
	if c := r.Convention; c != nil {
		names, err := enumToProto[pb.Convention_Names]("names", c.Names)
		if err != nil {
			return nil, within("convention", err)
		}
		out.Convention = &pb.Convention{Value: c.Value, Pattern: c.Pattern, Names: names, Slash: c.Slash, OrNothing: c.OrNothing}
	}
	return out, nil
}

func routeFromProto(r *pb.Route) (spec.Route, error) {
	out := spec.Route{
		ID:       r.GetId(),
		Method:   r.GetMethod(),
		Pattern:  r.GetPattern(),
		Prefetch: each(r.GetPrefetch(), FinderFromProto),
		PrefetchQueries: each(r.GetPrefetchQueries(), func(q *pb.PrefetchQuery) spec.PrefetchQuery {
			return spec.PrefetchQuery{Name: q.GetName(), Arguments: q.GetArguments()}
		}),
		Authenticated: r.GetAuthenticated(),
		MatchHeaders:  r.GetMatchHeaders(),
		Produces:      r.GetProduces(),
		FeatureFlag:   r.GetFeatureFlag(),
		PackageName:   r.GetPackageName(),
	}
	if c := r.GetCache(); c != nil {
		out.Cache = &spec.CachePolicy{Keys: c.GetKeys(), VaryQuery: c.GetVaryQuery()}
	}
	if d := r.GetDirectFile(); d != nil {
		out.DirectFile = &spec.DirectFile{ContentType: d.GetContentType(), Header: d.GetHeader()}
	}
	if d := r.GetDirectRow(); d != nil {
		out.DirectRow = &spec.DirectRow{ContentType: d.GetContentType()}
	}
	if b := r.GetBodyCredentials(); b != nil {
		out.BodyCredentials = &spec.BodyCredentials{UsernameField: b.GetUsernameField(), PasswordField: b.GetPasswordField()}
	}
	if c := r.GetConvention(); c != nil {
		names, err := enumFromProto[spec.Names]("names", c.GetNames())
		if err != nil {
			return out, within("convention", err)
		}
		out.Convention = &spec.Convention{Value: c.GetValue(), Pattern: c.GetPattern(), Names: names, Slash: c.GetSlash(), OrNothing: c.GetOrNothing()}
	}
	var err error
	if out.Levels, err = tryEach("levels", r.GetLevels(), levelFromProto); err != nil {
		return out, err
	}
	if out.Action, err = enumFromProto[spec.Action]("action", r.GetAction()); err != nil {
		return out, err
	}
	if out.Challenge, err = enumFromProto[spec.Challenge]("challenge", r.GetChallenge()); err != nil {
		return out, err
	}
	if out.AnonymousDenial, err = enumFromProto[spec.AnonymousDenial]("anonymous_denial", r.GetAnonymousDenial()); err != nil {
		return out, err
	}
	if out.Timeout, err = durationFromProto("timeout", r.GetTimeout()); err != nil {
		return out, err
	}
	out.Body, err = bodyFromProto(r.GetBody())
	return out, within("body", err)
}

func levelToProto(l spec.Level) (pb.Level, error) { return enumToProto[pb.Level]("level", l) }

func levelFromProto(l pb.Level) (spec.Level, error) { return enumFromProto[spec.Level]("level", l) }

// bodyToProto leaves the message out for a route without a body.
func bodyToProto(b spec.BodyPolicy) (*pb.BodyPolicy, error) {
	switch b.Kind {
	case spec.BodyNone:
		return nil, nil
	case spec.BodyInline:
		return &pb.BodyPolicy{Mode: &pb.BodyPolicy_Inline_{Inline: &pb.BodyPolicy_Inline{MaxBytes: b.MaxBytes}}}, nil
	case spec.BodyRawFile:
		return &pb.BodyPolicy{Mode: &pb.BodyPolicy_RawFile_{RawFile: &pb.BodyPolicy_RawFile{InlineBelow: b.InlineBelow}}}, nil
	case spec.BodyMultipart:
		return &pb.BodyPolicy{Mode: &pb.BodyPolicy_MultipartFiles_{MultipartFiles: &pb.BodyPolicy_MultipartFiles{
			FileParts: b.FileParts, MaxFieldBytes: b.MaxBytes, MaxFiles: int32of(b.MaxFiles),
		}}}, nil
	case spec.BodyJSONAttachments:
		attachments, err := tryEach("attachments", b.Attachments, func(a spec.Attachment) (*pb.BodyPolicy_Attachment, error) {
			encoding, err := enumToProto[pb.BodyPolicy_Encoding]("encoding", a.Encoding)
			return &pb.BodyPolicy_Attachment{Path: a.Path, Encoding: encoding}, err
		})
		if err != nil {
			return nil, err
		}
		return &pb.BodyPolicy{Mode: &pb.BodyPolicy_JsonAttachments_{JsonAttachments: &pb.BodyPolicy_JsonAttachments{
			Attachments: attachments, MaxDocumentBytes: b.MaxBytes, MaxFiles: int32of(b.MaxFiles),
		}}}, nil
	}
	return nil, fmt.Errorf("unknown kind %d", b.Kind)
}

func bodyFromProto(b *pb.BodyPolicy) (spec.BodyPolicy, error) {
	if b == nil {
		return spec.BodyPolicy{}, nil
	}
	switch mode := b.GetMode().(type) {
	case *pb.BodyPolicy_Inline_:
		return spec.BodyPolicy{Kind: spec.BodyInline, MaxBytes: mode.Inline.GetMaxBytes()}, nil
	case *pb.BodyPolicy_RawFile_:
		return spec.BodyPolicy{Kind: spec.BodyRawFile, InlineBelow: mode.RawFile.GetInlineBelow()}, nil
	case *pb.BodyPolicy_MultipartFiles_:
		return spec.BodyPolicy{
			Kind:      spec.BodyMultipart,
			FileParts: mode.MultipartFiles.GetFileParts(),
			MaxBytes:  mode.MultipartFiles.GetMaxFieldBytes(),
			MaxFiles:  int(mode.MultipartFiles.GetMaxFiles()),
		}, nil
	case *pb.BodyPolicy_JsonAttachments_:
		attachments, err := tryEach("attachments", mode.JsonAttachments.GetAttachments(), func(a *pb.BodyPolicy_Attachment) (spec.Attachment, error) {
			encoding, err := enumFromProto[spec.Encoding]("encoding", a.GetEncoding())
			return spec.Attachment{Path: a.GetPath(), Encoding: encoding}, err
		})
		return spec.BodyPolicy{
			Kind:        spec.BodyJSONAttachments,
			Attachments: attachments,
			MaxBytes:    mode.JsonAttachments.GetMaxDocumentBytes(),
			MaxFiles:    int(mode.JsonAttachments.GetMaxFiles()),
		}, err
	}
	if hasUnknown(b) {
		return spec.BodyPolicy{}, unset("mode", b)
	}
	return spec.BodyPolicy{}, nil
}
