package server

import (
	"strings"

	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// auditDocument is an event as GitLab's API shows it. What GitLab does not have
// stands in details, under names of our own.
type auditDocument struct {
	ID         int64                `json:"id"`
	AuthorID   int64                `json:"author_id"` // as in GitLab -1 is nobody and -2 a deploy token; 0: the registry itself or its operator
	EntityID   int64                `json:"entity_id"`
	EntityType string               `json:"entity_type"`
	EventType  string               `json:"event_type"`
	Details    auditDetailsDocument `json:"details"`
	CreatedAt  apiTime              `json:"created_at"`
}

type auditDetailsDocument struct {
	CustomMessage string `json:"custom_message"`
	AuthorName    string `json:"author_name"`
	AuthorClass   string `json:"author_class"` // user, deploy_token, anonymous, system, operator
	TargetID      any    `json:"target_id"`
	TargetType    string `json:"target_type"`
	TargetDetails string `json:"target_details"`
	IPAddress     string `json:"ip_address"`
	EntityPath    string `json:"entity_path"`

	Outcome        audit.Outcome     `json:"outcome"`
	Status         int               `json:"status"`
	Reason         string            `json:"reason,omitzero"`
	Method         string            `json:"method,omitzero"`
	RequestID      string            `json:"request_id,omitzero"`
	TokenID        int64             `json:"token_id,omitzero"`
	TokenKind      string            `json:"token_kind,omitzero"`
	PackageName    string            `json:"package_name,omitzero"`
	PackageVersion string            `json:"package_version,omitzero"`
	Changes        []audit.Change    `json:"changes,omitzero"`
	Fields         map[string]string `json:"fields,omitzero"`
}

func auditDocumentOf(e audit.Event) auditDocument {
	d := auditDetailsDocument{
		CustomMessage: auditMessage(e), AuthorName: e.Actor.Username, AuthorClass: string(e.Actor.Kind),
		TargetID: e.Entity.ID, TargetType: e.Entity.Type, TargetDetails: e.Entity.Path,
		IPAddress: e.RemoteAddress, EntityPath: e.Entity.Path,
		Outcome: e.Outcome, Status: e.Status, Reason: e.Reason, Method: e.Method, RequestID: e.RequestID,
		TokenID: e.Actor.TokenID, TokenKind: audit.TokenKind(e.Actor),
		PackageName: e.PackageName, PackageVersion: e.PackageVersion, Changes: e.Changes, Fields: e.Fields,
	}
	if e.Entity.Type == audit.Instance {
		d.EntityPath = "gitlab_instance" // what GitLab says there
	}
	if e.PackageName != "" {
		d.TargetType, d.TargetID, d.TargetDetails = "Packages::Package", e.PackageName, strings.TrimSuffix(e.PackageName+"@"+e.PackageVersion, "@")
	}
	return auditDocument{
		ID: e.ID, AuthorID: auditAuthor(e.Actor), EntityID: e.Entity.ID, EntityType: e.Entity.Type, EventType: e.Action,
		Details: d, CreatedAt: apiTime(e.At),
	}
}

func auditAuthor(a registry.Actor) int64 {
	switch a.Kind {
	case registry.User:
		return a.UserID
	case registry.DeployToken:
		return -2
	case registry.System, audit.Operator:
		return 0
	case registry.Anonymous:
	}
	return -1
}

// auditMessage is a sentence for people.
func auditMessage(e audit.Event) string {
	what := e.Action
	if len(e.Changes) > 0 {
		seen := map[string]bool{}
		var kinds []string
		for _, c := range e.Changes {
			if !seen[c.Type] {
				kinds, seen[c.Type] = append(kinds, c.Type), true
			}
		}
		what += ": " + strings.Join(kinds, ", ")
	}
	if e.Outcome == audit.Refused {
		return "Refused " + what
	}
	return what
}
