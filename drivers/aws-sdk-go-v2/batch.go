package main

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// A deletion is one result of a DeleteObjects.
type deletion struct {
	key, version string
	failed       bool
	code         string
	marker       bool
	markerID     string
}

func (got *parsed) deletions() (out []deletion) {
	for _, one := range got.deleted {
		out = append(out, deletion{
			key: aws.ToString(one.Key), version: aws.ToString(one.VersionId),
			marker: aws.ToBool(one.DeleteMarker), markerID: aws.ToString(one.DeleteMarkerVersionId),
		})
	}
	for _, one := range got.errors {
		out = append(out, deletion{
			key: aws.ToString(one.Key), version: aws.ToString(one.VersionId), failed: true, code: aws.ToString(one.Code),
		})
	}
	return out
}

type objectName struct{ key, version string }

// giveVersions: a store may leave out the versions that it was asked for. Where it does not matter which result of a key is
// whose, as they are as many as its names and say the same, they are given back.
func giveVersions(results []deletion, r *request) {
	of := map[string][]int{}
	for i, one := range results {
		of[one.key] = append(of[one.key], i)
	}
	versions := map[string][]string{}
	for _, one := range r.objects {
		versions[one.key] = append(versions[one.key], one.version)
	}
	for key, places := range of {
		alike := len(places) == len(versions[key]) && !slices.Contains(versions[key], "")
		for _, i := range places {
			alike = alike && results[i].version == "" && results[i].code == results[places[0]].code
		}
		for k, i := range places {
			if alike {
				results[i].version = versions[key][k]
			}
		}
	}
}

// found gives the results by name, which may be there twice; a store may tell the version that it removed unasked.
func found(results []deletion, failed bool, r *request) map[objectName][]deletion {
	asked := map[objectName]bool{}
	for _, one := range r.objects {
		asked[objectName{one.key, one.version}] = true
	}
	out := map[objectName][]deletion{}
	for _, one := range results {
		name := objectName{one.key, one.version}
		if !asked[name] {
			name.version = ""
		}
		if one.failed == failed {
			out[name] = append(out[name], one)
		}
	}
	return out
}

// take gives the next result of a name: no two keys of a request have the same one.
func take(results map[objectName][]deletion, name objectName) (one deletion, there bool) {
	if left := results[name]; len(left) > 0 {
		one, there, results[name] = left[0], true, left[1:]
	}
	return one, there
}

// surplus are results that the request did not call for: of keys that it does not name, a second one, a deleted key when
// quiet.
func surplus(results []deletion, r *request) (out []entry) {
	left := map[objectName]int{}
	for _, one := range r.objects {
		left[objectName{one.key, one.version}]++
	}
	for _, one := range results {
		name := objectName{one.key, one.version}
		if left[name] == 0 {
			name.version = ""
		}
		called := left[name] > 0
		if called {
			left[name]--
		}
		if !called || (r.quiet && !one.failed) {
			flag := map[bool]string{false: "deleted", true: "error"}[one.failed]
			out = append(out, entry{Key: one.key, VersionID: one.version, Flags: []string{flag}})
		}
	}
	return out
}

// children are a record for each key of a DeleteObjects, with what the answer said of it.
func (c *client) children(r *request, got *parsed, parent *record) (out []*record) {
	results := got.deletions()
	giveVersions(results, r)
	done, failed := found(results, false, r), found(results, true, r)
	for i, one := range r.objects {
		child := *parent
		child.Op, child.Parent = "delete_child", i+1
		child.CodeText, child.RequestID, child.Checksum, child.Entries = "", "", "", nil
		child.Flags = append([]string(nil), parent.Flags...)
		child.Space, child.KeyIndex = nil, nil
		child.place(c.run.keys.find(r.bucket, one.key))
		child.VersionAsked = one.version
		if one.etag != "" {
			child.Cond, child.ExpectETag = "if_match", one.etag
		}
		name := objectName{one.key, one.version}
		success, isDone := take(done, name)
		failure, isFailed := deletion{}, false
		if !isDone {
			failure, isFailed = take(failed, name)
		}
		if success.marker {
			child.flag("delete_marker")
		}
		child.VersionID = success.markerID
		if parent.Outcome == "ok" {
			child.CodeText = failure.code
			child.Outcome, child.Evidence = c.run.outcomes.of(end{
				Op: "delete_child", Cond: child.Cond, Phase: "answered", Status: 200, Code: failure.code,
				BodyComplete: isDone || isFailed || r.quiet,
			})
		}
		out = append(out, &child)
	}
	parent.Entries = surplus(results, r)
	return out
}
