package wire

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/pakhus/pakhus/sdk/internal/pluginpb"
	"github.com/pakhus/pakhus/sdk/spec"
)

// newer has a message of a contract that has one more oneof member than ours.
func newer[M proto.Message](t *testing.T, m M) M {
	t.Helper()
	data := protowire.AppendTag(nil, 999, protowire.BytesType)
	data = protowire.AppendString(data, "from the future")
	if err := (proto.UnmarshalOptions{Merge: true}).Unmarshal(data, m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestWhatIsUnknownIsAnErrorThatNamesTheField(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		convert func() error
		want    string
	}{
		"operation": {func() error {
			_, err := PlanFromProto(&pb.Plan{Operations: []*pb.Operation{
				{Op: &pb.Operation_DestroyFile{DestroyFile: &pb.DestroyFile{}}}, newer(t, &pb.Operation{}),
			}})
			return err
		}, "operations[1]: op: unknown kind"},
		"precondition": {func() error {
			_, err := PlanFromProto(&pb.Plan{Preconditions: []*pb.Precondition{newer(t, &pb.Precondition{})}})
			return err
		}, "preconditions[0]: check: unknown kind"},
		"outcome": {func() error {
			_, err := HeadFromProto(newer(t, &pb.HandleRequestResponse_Head{}))
			return err
		}, "outcome: unknown kind"},
		"no outcome": {func() error {
			_, err := HeadFromProto(&pb.HandleRequestResponse_Head{})
			return err
		}, "outcome: not set"},
		"body": {func() error {
			_, err := ManifestFromProto(&pb.Manifest{Routes: []*pb.Route{{Body: newer(t, &pb.BodyPolicy{})}}})
			return err
		}, "routes[0]: body: mode: unknown kind"},
		"action": {func() error {
			_, err := ManifestFromProto(&pb.Manifest{Routes: []*pb.Route{{Action: 77}}})
			return err
		}, "routes[0]: action: unknown value 77"},
		"value": {func() error {
			_, err := RowFromProto(&pb.Row{Columns: map[string]*pb.Value{"a": newer(t, &pb.Value{})}})
			return err
		}, "column a: kind: unknown kind"},
		"package": {func() error {
			_, err := PlanFromProto(&pb.Plan{Operations: []*pb.Operation{{Op: &pb.Operation_SetTag{SetTag: &pb.SetTag{}}}}})
			return err
		}, "operations[0]: set_tag: package: not set"},
		"call": {func() error {
			_, err := BatchFromProto(&pb.BatchRequest{Calls: []*pb.BatchRequest_Call{newer(t, &pb.BatchRequest_Call{})}})
			return err
		}, "calls[0]: call: unknown kind"},
		"file": {func() error {
			_, err := ArchiveReadFromProto(&pb.ReadArchiveRequest{File: newer(t, &pb.FileRef{})})
			return err
		}, "file: unknown kind"},
		"visibility": {func() error {
			_, err := RequestFromProto(&pb.HandleRequestRequest{Context: &pb.RequestContext{Project: &pb.Project{Visibility: 9}}})
			return err
		}, "context: project: visibility: unknown value 9"},
		"no manifest": {func() error {
			_, err := ManifestFromProto(nil)
			return err
		}, "manifest: not set"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := c.convert(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestAdditiveFieldsAreIgnored(t *testing.T) {
	t.Parallel()
	found := newer(t, &pb.Operation{Op: &pb.Operation_DestroyFile{DestroyFile: &pb.DestroyFile{PackageFileId: 3}}})
	plan, err := PlanFromProto(&pb.Plan{Operations: []*pb.Operation{found}})
	if err != nil {
		t.Fatal(err)
	}
	if plan.Operations[0].Op != (spec.DestroyFile{FileID: 3}) {
		t.Errorf("got %+v", plan.Operations[0])
	}
}

func TestWhatARowCannotCarryIsAnError(t *testing.T) {
	t.Parallel()
	for want, value := range map[string]any{
		"type int,":        1,
		"type time.Month,": time.May,
		"not UTF-8":        "\xff",
		"list not UTF-8":   []string{"\xff"},
		"JSON that is":     json.RawMessage(nil),
	} {
		_, err := RowToProto(spec.Row{"c": value})
		if err == nil || !strings.Contains(err.Error(), "column c") || !strings.Contains(err.Error(), strings.TrimPrefix(want, "list ")) {
			t.Errorf("%v: got %v, want %q", value, err, want)
		}
	}
}

func TestBytesOfClientsThatAreNotTextBecomeReplacementCharacters(t *testing.T) {
	t.Parallel()
	message, err := RequestToProto(&spec.Request{
		Level: spec.LevelProject, Query: map[string][]string{"q\xff": {"a\xfe"}}, Header: map[string][]string{"Accept": {"\xff"}},
		Uploads: []spec.Upload{{FileName: "\xff"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := proto.Marshal(message); err != nil {
		t.Errorf("does not marshal: %v", err)
	}
	if got := message.GetQuery()["q\uFFFD"].GetValues(); len(got) != 1 || got[0] != "a\uFFFD" {
		t.Errorf("query: %q", got)
	}
}

// The conversions of enums are casts, so the numbers have to stay together.
func TestEnumsHaveTheSameNumbers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spec int
		wire protoreflect.Enum
	}{
		"level project":    {int(spec.LevelProject), pb.Level_LEVEL_PROJECT},
		"level group":      {int(spec.LevelGroup), pb.Level_LEVEL_GROUP},
		"level instance":   {int(spec.LevelInstance), pb.Level_LEVEL_INSTANCE},
		"action none":      {int(spec.ActionNone), pb.Action_ACTION_NONE},
		"action read":      {int(spec.ActionReadPackage), pb.Action_ACTION_READ_PACKAGE},
		"action create":    {int(spec.ActionCreatePackage), pb.Action_ACTION_CREATE_PACKAGE},
		"action destroy":   {int(spec.ActionDestroyPackage), pb.Action_ACTION_DESTROY_PACKAGE},
		"challenge none":   {int(spec.ChallengeNone), pb.Challenge_CHALLENGE_UNSPECIFIED},
		"challenge basic":  {int(spec.ChallengeBasic), pb.Challenge_CHALLENGE_BASIC},
		"challenge bearer": {int(spec.ChallengeBearer), pb.Challenge_CHALLENGE_BEARER},
		"deny 401":         {int(spec.DenyUnauthorized), pb.AnonymousDenial_ANONYMOUS_DENIAL_UNSPECIFIED},
		"deny 404":         {int(spec.DenyNotFound), pb.AnonymousDenial_ANONYMOUS_DENIAL_NOT_FOUND},
		"error message":    {int(spec.ErrorMessage), pb.ErrorStyle_ERROR_STYLE_UNSPECIFIED},
		"error both":       {int(spec.ErrorMessageAndError), pb.ErrorStyle_ERROR_STYLE_MESSAGE_AND_ERROR},
		"error text":       {int(spec.ErrorText), pb.ErrorStyle_ERROR_STYLE_TEXT},
		"error problem":    {int(spec.ErrorProblem), pb.ErrorStyle_ERROR_STYLE_PROBLEM},
		"encoding base64":  {int(spec.EncodingBase64), pb.BodyPolicy_ENCODING_BASE64},
		"encoding text":    {int(spec.EncodingText), pb.BodyPolicy_ENCODING_TEXT},
		"digest md5":       {int(spec.MD5), pb.FileLimits_DIGEST_MD5},
		"digest sha1":      {int(spec.SHA1), pb.FileLimits_DIGEST_SHA1},
		"digest sha512":    {int(spec.SHA512), pb.FileLimits_DIGEST_SHA512},
		"archive tar.gz":   {int(spec.TarGzip), pb.ArchiveKind_ARCHIVE_KIND_TAR_GZIP},
		"archive zip":      {int(spec.Zip), pb.ArchiveKind_ARCHIVE_KIND_ZIP},
	} {
		if c.spec != int(c.wire.Number()) {
			t.Errorf("%s: %d in spec, %d on the wire", name, c.spec, c.wire.Number())
		}
	}
}
