package odata

import "strconv"

// RenderServiceDocument writes what is at the feed's root: which collections
// there are (AtomPub, RFC 5023).
func RenderServiceDocument(base string) []byte {
	w := newWriter()
	title := attributes{{"type", "text"}}
	w.element("service", attributes{{"xml:base", rooted(base)}, {"xmlns", "http://www.w3.org/2007/app"}, {"xmlns:atom", atomNamespace}}, func() {
		w.element("workspace", nil, func() {
			w.text("atom:title", title, "Default")
			w.element("collection", attributes{{"href", "Packages"}}, func() {
				w.text("atom:title", title, "Packages")
			})
		})
	})
	return w.bytes()
}

// RenderMetadata writes what is at $metadata: which properties a package has, and
// which functions there are. The names are the gallery's, as clients look for
// some of them.
func RenderMetadata() []byte {
	w := newWriter()
	const schema = "http://schemas.microsoft.com/ado/2006/04/edm"
	w.element("edmx:Edmx", attributes{{"Version", "1.0"}, {"xmlns:edmx", "http://schemas.microsoft.com/ado/2007/06/edmx"}}, func() {
		w.element("edmx:DataServices", attributes{{"m:DataServiceVersion", "2.0"}, {"m:MaxDataServiceVersion", "2.0"}, {"xmlns:m", metadataNamespace}}, func() {
			w.element("Schema", attributes{{"Namespace", "NuGetGallery.OData"}, {"xmlns", schema}}, w.entityType)
			w.element("Schema", attributes{{"Namespace", "NuGetGallery"}, {"xmlns", schema}}, w.container)
		})
	})
	return w.bytes()
}

func (w *writer) entityType() {
	w.element("EntityType", attributes{{"Name", "V2FeedPackage"}, {"m:HasStream", "true"}}, func() {
		w.element("Key", nil, func() {
			w.empty("PropertyRef", attributes{{"Name", "Id"}})
			w.empty("PropertyRef", attributes{{"Name", "Version"}})
		})
		for _, f := range fields() {
			w.empty("Property", attributes{{"Name", f.name}, {"Type", f.edm}, {"Nullable", strconv.FormatBool(!f.required)}})
		}
	})
}

func (w *writer) container() {
	w.element("EntityContainer", attributes{{"Name", "V2FeedContext"}, {"m:IsDefaultEntityContainer", "true"}}, func() {
		w.empty("EntitySet", attributes{{"Name", "Packages"}, {"EntityType", "NuGetGallery.OData.V2FeedPackage"}})
		w.function(Search, attributes{{"searchTerm", edmString}, {"targetFramework", edmString}, {"includePrerelease", edmBoolean}, {"semVerLevel", edmString}})
		w.function(FindPackagesByID, attributes{{"id", edmString}, {"semVerLevel", edmString}})
		w.function(GetUpdates, attributes{
			{"packageIds", edmString},
			{"versions", edmString},
			{"includePrerelease", edmBoolean},
			{"includeAllVersions", edmBoolean},
			{"targetFrameworks", edmString},
			{"versionConstraints", edmString},
			{"semVerLevel", edmString},
		})
	})
}

// function writes a function and its parameters, which are names and types.
func (w *writer) function(name Resource, parameters attributes) {
	a := attributes{
		{"Name", string(name)},
		{"ReturnType", "Collection(NuGetGallery.OData.V2FeedPackage)"},
		{"EntitySet", "Packages"},
		{"m:HttpMethod", "GET"},
	}
	w.element("FunctionImport", a, func() {
		for _, p := range parameters {
			w.empty("Parameter", attributes{{"Name", p.name}, {"Type", p.value}})
		}
	})
}
