package wire

import (
	"fmt"

	pb "github.com/pakhus/pakhus/sdk/internal/pluginpb"
	"github.com/pakhus/pakhus/sdk/spec"
)

// ManifestToProto converts a manifest.
func ManifestToProto(m *spec.Manifest) (*pb.Manifest, error) {
	routes, err := tryEach("routes", m.Routes, routeToProto)
	if err != nil {
		return nil, err
	}
	limits, err := limitsToProto(m.Limits)
	if err != nil {
		return nil, within("limits", err)
	}
	style, err := enumToProto[pb.ErrorStyle]("errors", m.Errors)
	if err != nil {
		return nil, err
	}
	return &pb.Manifest{
		Format:                m.Format,
		Version:               m.Version,
		SdkVersion:            m.SDKVersion,
		ProtocolMinor:         m.ProtocolMinor,
		RequiredFeatures:      m.RequiredFeatures,
		OptionalFeatures:      m.OptionalFeatures,
		Validators:            m.Validators,
		Routes:                routes,
		Metadata:              metadataToProto(m.Metadata),
		Jobs:                  each(m.Jobs, jobKindToProto),
		Events:                m.Events,
		Limits:                limits,
		Errors:                style,
		RequestHeaders:        m.RequestHeaders,
		ErrorHeader:           m.ErrorHeader,
		EscapedSlashSeparates: m.EscapedSlashSeparates,
	}, nil
}

// ManifestFromProto converts a manifest. It says what does not convert; whether
// the declarations make sense is for the core to check.
func ManifestFromProto(m *pb.Manifest) (*spec.Manifest, error) {
	if m == nil {
		return nil, fmt.Errorf("manifest: not set")
	}
	routes, err := tryEach("routes", m.GetRoutes(), routeFromProto)
	if err != nil {
		return nil, err
	}
	limits, err := limitsFromProto(m.GetLimits())
	if err != nil {
		return nil, within("limits", err)
	}
	style, err := enumFromProto[spec.ErrorStyle]("errors", m.GetErrors())
	if err != nil {
		return nil, err
	}
	jobs, err := tryEach("jobs", m.GetJobs(), jobKindFromProto)
	if err != nil {
		return nil, err
	}
	return &spec.Manifest{
		Format:                m.GetFormat(),
		Version:               m.GetVersion(),
		SDKVersion:            m.GetSdkVersion(),
		ProtocolMinor:         m.GetProtocolMinor(),
		RequiredFeatures:      m.GetRequiredFeatures(),
		OptionalFeatures:      m.GetOptionalFeatures(),
		Validators:            m.GetValidators(),
		Routes:                routes,
		Metadata:              metadataFromProto(m.GetMetadata()),
		Jobs:                  jobs,
		Events:                m.GetEvents(),
		Limits:                limits,
		Errors:                style,
		RequestHeaders:        m.GetRequestHeaders(),
		ErrorHeader:           m.GetErrorHeader(),
		EscapedSlashSeparates: m.GetEscapedSlashSeparates(),
	}, nil
}

func limitsToProto(l spec.FileLimits) (*pb.FileLimits, error) {
	digests, err := tryEach("digests", l.Digests, func(d spec.Digest) (pb.FileLimits_Digest, error) {
		return enumToProto[pb.FileLimits_Digest]("digest", d)
	})
	if err != nil {
		return nil, err
	}
	return &pb.FileLimits{
		MaxFileBytes: l.MaxFileBytes, Digests: digests, TooLargeStatus: int32of(l.TooLargeStatus),
	}, nil
}

func limitsFromProto(l *pb.FileLimits) (spec.FileLimits, error) {
	digests, err := tryEach("digests", l.GetDigests(), func(d pb.FileLimits_Digest) (spec.Digest, error) {
		return enumFromProto[spec.Digest]("digest", d)
	})
	return spec.FileLimits{
		MaxFileBytes: l.GetMaxFileBytes(), Digests: digests, TooLargeStatus: int(l.GetTooLargeStatus()),
	}, err
}

func metadataToProto(s spec.MetadataSchema) *pb.MetadataSchema {
	return &pb.MetadataSchema{
		Migrations: each(s.Migrations, func(m spec.Migration) *pb.SqlMigration {
			return &pb.SqlMigration{Name: m.Name, Sql: m.SQL}
		}),
		Queries: each(s.Queries, func(q spec.NamedQuery) *pb.NamedQuery {
			return &pb.NamedQuery{
				Name: q.Name, Sql: q.SQL, ArgumentTypes: q.ArgumentTypes,
				Result: each(q.Result, func(c spec.QueryColumn) *pb.NamedQuery_Column {
					return &pb.NamedQuery_Column{Name: c.Name, Type: c.Type}
				}),
			}
		}),
	}
}

func metadataFromProto(s *pb.MetadataSchema) spec.MetadataSchema {
	return spec.MetadataSchema{
		Migrations: each(s.GetMigrations(), func(m *pb.SqlMigration) spec.Migration {
			return spec.Migration{Name: m.GetName(), SQL: m.GetSql()}
		}),
		Queries: each(s.GetQueries(), func(q *pb.NamedQuery) spec.NamedQuery {
			return spec.NamedQuery{
				Name: q.GetName(), SQL: q.GetSql(), ArgumentTypes: q.GetArgumentTypes(),
				Result: each(q.GetResult(), func(c *pb.NamedQuery_Column) spec.QueryColumn {
					return spec.QueryColumn{Name: c.GetName(), Type: c.GetType()}
				}),
			}
		}),
	}
}

func jobKindToProto(j spec.JobKind) *pb.JobKind {
	return &pb.JobKind{Kind: j.Kind, Timeout: durationToProto(j.Timeout), MaxAttempts: int32of(j.MaxAttempts)}
}

func jobKindFromProto(j *pb.JobKind) (spec.JobKind, error) {
	timeout, err := durationFromProto("timeout", j.GetTimeout())
	return spec.JobKind{Kind: j.GetKind(), Timeout: timeout, MaxAttempts: int(j.GetMaxAttempts())}, err
}

// FinderToProto converts a finder.
func FinderToProto(f spec.Finder) *pb.Finder {
	return &pb.Finder{
		Name:       f.Name,
		Version:    f.Version,
		FileName:   f.FileName,
		FileKey:    f.FileKey,
		NamePrefix: f.NamePrefix,
		FileSuffix: f.FileSuffix,
		Statuses:   f.Statuses,
		Limit:      int32of(f.Limit),
		PageToken:  f.PageToken,
		WithFiles:  f.WithFiles,
		WithTags:   f.WithTags,
		WithRows: each(f.WithRows, func(r spec.RowSelection) *pb.RowSelection {
			return &pb.RowSelection{Table: r.Table, Columns: r.Columns}
		}),
	}
}

// FinderFromProto converts a finder.
func FinderFromProto(f *pb.Finder) spec.Finder {
	return spec.Finder{
		Name:       f.GetName(),
		Version:    f.GetVersion(),
		FileName:   f.GetFileName(),
		FileKey:    f.GetFileKey(),
		NamePrefix: f.GetNamePrefix(),
		FileSuffix: f.GetFileSuffix(),
		Statuses:   f.GetStatuses(),
		Limit:      int(f.GetLimit()),
		PageToken:  f.GetPageToken(),
		WithFiles:  f.GetWithFiles(),
		WithTags:   f.GetWithTags(),
		WithRows: each(f.GetWithRows(), func(r *pb.RowSelection) spec.RowSelection {
			return spec.RowSelection{Table: r.GetTable(), Columns: r.GetColumns()}
		}),
	}
}
