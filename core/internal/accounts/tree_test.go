package accounts_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// What is made in a group while it moves or goes is where the group is, or is not.
func TestTheTreeStaysWhole(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	a := accounts.New(db.Pool)
	top, err := a.CreateGroup(t.Context(), accounts.NewGroup{FullPath: "p0"})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			path := fmt.Sprint("p", i)
			if err := a.ChangeGroup(t.Context(), top.ID, accounts.GroupChange{Path: &path}); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if _, err := a.CreateProject(t.Context(), accounts.NewProject{GroupID: top.ID, Path: fmt.Sprint("x", i)}); err != nil {
				t.Error(err)
			}
			g, err := a.CreateGroup(t.Context(), accounts.NewGroup{ParentID: top.ID, Path: fmt.Sprint("g", i)})
			if err != nil {
				t.Error(err)
			}
			if _, err := a.CreateProject(t.Context(), accounts.NewProject{GroupID: g.ID, Path: "deep"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	now, err := a.GroupByID(t.Context(), top.ID)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := db.Pool.Query(t.Context(), "select full_path from projects union all select full_path from groups where parent_id is not null")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var path string
		if err := rows.Scan(&path); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(path, now.FullPath+"/") {
			t.Errorf("%s is not in %s", path, now.FullPath)
		}
	}
	if n != 18 {
		t.Errorf("%d are left", n)
	}
}

func TestOneOfManyOwnersStays(t *testing.T) {
	t.Parallel()
	a := accounts.New(pgtest.New(t).Pool)
	g, err := a.CreateGroup(t.Context(), accounts.NewGroup{FullPath: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	var users []accounts.User
	for i := range 6 {
		u, err := a.CreateUser(t.Context(), accounts.NewUser{Username: fmt.Sprint("u", i)})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.AddMember(t.Context(), u.ID, g.ID, 0, registry.Owner); err != nil {
			t.Fatal(err)
		}
		users = append(users, u)
	}
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		left []error
	)
	for i, u := range users {
		wg.Go(func() {
			var err error
			if i%2 == 0 {
				err = a.RemoveMember(t.Context(), accounts.Grantor{AccessLevel: registry.Owner}, accounts.Place{Group: &g}, u.ID, false)
			} else {
				err = a.DeleteUser(t.Context(), u.ID)
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				left = append(left, err)
			}
		})
	}
	wg.Wait()
	if len(left) != 1 || !strings.Contains(left[0].Error(), "owner of") {
		t.Errorf("refused: %v", left)
	}
}
