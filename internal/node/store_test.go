package node

import (
	"os"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
)

func TestDirSavesWholeRecords(t *testing.T) {
	d := Dir(t.TempDir())
	var got []string
	wantKind(t, d.Load("list.json", &got), moot.NotFound)
	must(t, d.Save("list.json", []string{"a", "b"}))
	must(t, d.Load("list.json", &got))
	if strings.Join(got, "") != "ab" {
		t.Errorf("loaded %q", got)
	}
	wantKind(t, d.Save("list.json", func() {}), moot.Internal)
	must(t, d.Load("list.json", &got)) // the old record is whole
	must(t, os.WriteFile(d.Path("list.json"), []byte(`["a"`), 0o600))
	wantKind(t, d.Load("list.json", &got), moot.Corrupt)
	must(t, os.Mkdir(d.Path("taken"), 0o700))
	if err := d.Save("taken", 1); err == nil {
		t.Error("a directory was replaced by a record")
	}
	left, err := os.ReadDir(string(d))
	must(t, err)
	if len(left) != 2 {
		t.Errorf("%d files are left, want the record and the directory: %v", len(left), left)
	}
	if err := Dir(d.Path("none")).Save("x", 1); err == nil {
		t.Error("a record was saved in a directory that is not there")
	}
	wantKind(t, OSError("read", os.ErrPermission), moot.Denied)
}

func TestPreferencesApplyAndPersist(t *testing.T) {
	data := Dir(t.TempDir())
	n := founder(t, Config{Data: data})
	c := control{n, viaPeers}
	p := policy.Preferences{UploadRate: 1 << 20, Names: []string{"public/"}}
	must(t, c.SetPreferences(t.Context(), p))
	var saved policy.Preferences
	must(t, data.Load("wishes.json", &saved))
	if got, err := c.Preferences(t.Context()); err != nil || got.UploadRate != 1<<20 || saved.UploadRate != 1<<20 || len(saved.Names) != 1 {
		t.Errorf("preferences %+v, saved %+v, %v", got, saved, err)
	}
	must(t, n.Close()) // one node at a time uses the data
	again := newNode(t, Config{Data: data})
	if got := again.preferences(); got.UploadRate != 1<<20 {
		t.Errorf("a node made anew prefers %+v", got)
	}
	must(t, os.Mkdir(data.Path("broken"), 0o700))
	must(t, os.WriteFile(Dir(data.Path("broken")).Path(preferencesFile), []byte("{"), 0o600))
	_, err := New(t.Context(), Config{Space: moot.SpaceID{1}, Key: annKey, Data: Dir(data.Path("broken"))})
	wantKind(t, err, moot.Corrupt)
}

func TestPublishedBlobsAreThoseOfTheNames(t *testing.T) {
	n := founder(t, Config{})
	s := session(t, n, viaPeers)
	public, private := write(t, s, "public/a", "for all"), write(t, s, "private", "for me")
	shared := frozen(t, s, "public/frozen", "in a frozen folder")
	part := blobOf(t, n, "in a frozen folder")
	_, err := s.Files.Share(t.Context(), folder(t, "inner", "in a folder"), files.ShareOptions{As: "public/folder"})
	must(t, err)
	inner := blobOf(t, n, "in a folder")
	p := newPublished(n.store, n.files.index, n.cfg.Log)
	names := []string{"public/"}
	for id, want := range map[moot.BlobID]bool{public.Blob.ID: true, private.Blob.ID: false, shared.Blob.ID: true, part: true, inner: true} {
		if p.has(t.Context(), id.String(), names) != want {
			t.Errorf("published %v, want %v: %v", !want, want, id)
		}
	}
	if !p.has(t.Context(), private.Blob.ID.String(), []string{"pri"}) {
		t.Error("other names, and the list is the old")
	}
	later := write(t, s, "public/b", "came later")
	if !p.has(t.Context(), later.Blob.ID.String(), names) {
		t.Error("an entry came, and the list is the old")
	}
	must(t, s.Files.Remove(t.Context(), "public/a", files.RemoveOptions{}))
	if p.has(t.Context(), public.Blob.ID.String(), names) {
		t.Error("a removed name is still published")
	}
	must(t, n.store.Drop(t.Context(), shared.Blob.ID))
	if p = newPublished(n.store, n.files.index, n.cfg.Log); p.has(t.Context(), part.String(), names) || !p.has(t.Context(), shared.Blob.ID.String(), names) {
		t.Error("the parts of a folder whose list is not held here cannot be known")
	}
}

// frozen gives a name to a frozen folder with one file.
func frozen(t *testing.T, s *app.Session, name, text string) files.File {
	t.Helper()
	f, err := s.Files.(*files.Files).Assemble(t.Context(), name, func(yield func(files.Part, error) bool) {
		yield(files.Part{Path: "part", Blob: moot.Blob{Size: int64(len(text))}, Data: []byte(text)}, nil)
	})
	must(t, err)
	return f
}

// blobOf returns the ID of a content, which the node stores.
func blobOf(t *testing.T, n *Node, text string) moot.BlobID {
	t.Helper()
	b, err := n.store.Put(t.Context(), strings.NewReader(text))
	must(t, err)
	return b.ID
}

func TestPeerServesOnlyPublishedNames(t *testing.T) {
	n := founder(t, Config{})
	bens := newNode(t, Config{Key: benKey})
	admit(t, n, bens, policy.RoleMember)
	s := session(t, n, viaPeers)
	public, private := write(t, s, "public/a", "for all"), write(t, s, "private", "for me")
	must(t, s.Control.SetPreferences(t.Context(), policy.Preferences{Names: []string{"public/"}}))
	for f, want := range map[*files.File]int{&public: 200, &private: 404} {
		if w := callAs(t.Context(), n.Handler(), ben, "/v2/blobs/"+f.Blob.ID.String()+"/holding"); w.Code != want {
			t.Errorf("%s is answered %d, want %d", f.Name, w.Code, want)
		}
	}
	must(t, s.Control.SetPreferences(t.Context(), policy.Preferences{Deny: []moot.MemberID{bens.Member()}}))
	if w := callAs(t.Context(), n.Handler(), ben, "/v2/blobs/"+public.Blob.ID.String()+"/holding"); w.Code != 403 {
		t.Errorf("a denied member is answered %d", w.Code)
	}
}

func TestStatusCounts(t *testing.T) {
	n := founder(t, Config{Version: "1.2"})
	other := newNode(t, Config{Key: benKey})
	admit(t, n, other, policy.RoleMember)
	s := session(t, n, viaPeers)
	write(t, s, "a", "12345")
	write(t, session(t, other, viaPeers), "a", "1234567")
	learn(t, n, other) // two versions of one name
	st, err := s.Control.Status(t.Context())
	must(t, err) // the third author is the founder's recovery code
	if st.Authors != 3 || st.Blobs != 1 || st.Bytes != 5 || st.Conflicts != 1 || st.Forks != 0 || st.Running || st.Role != policy.RoleOwner || st.As != "ann" {
		t.Errorf("status %+v", st)
	}
	if want := uint64(len(history(t, n))); st.Entries != want {
		t.Errorf("%d entries, want %d", st.Entries, want)
	}
	peers, err := s.Control.Peers(t.Context())
	must(t, err)
	if len(peers) != 1 || peers[0].Name != "ben" || peers[0].Connected {
		t.Errorf("peers %+v", peers)
	}
	if n.Version() != "1.2" {
		t.Errorf("version %q", n.Version())
	}
	_, err = s.Control.Backup(t.Context(), t.TempDir(), app.BackupOptions{})
	wantKind(t, err, moot.Unavailable)
	_, err = s.Control.MailRecords(t.Context())
	wantKind(t, err, moot.NotFound)
	if moot.HintOf(err) != moot.HintMailDomain {
		t.Errorf("hint %q", moot.HintOf(err))
	}
}

func TestFoundMakesASpaceOnce(t *testing.T) {
	n := founder(t, Config{})
	before := len(history(t, n))
	_, err := n.Found(t.Context(), founding(t), "ann")
	wantKind(t, err, moot.Denied) // there is a recovery code
	if len(history(t, n)) != before {
		t.Error("the space was made twice")
	}
	stranger := newNode(t, Config{Key: benKey})
	wantKind(t, stranger.Learn(t.Context(), n.store, members.Link{}), moot.Unavailable)
	if stranger.Role() != "" {
		t.Errorf("a stranger has the role %q", stranger.Role())
	}
}

func TestOpeningWhatIsDamagedFails(t *testing.T) {
	for _, name := range []string{preferencesFile, "passwords.json", "tokens.json"} {
		data := Dir(t.TempDir())
		must(t, os.WriteFile(data.Path(name), []byte("{"), 0o600))
		_, err := New(t.Context(), Config{Space: moot.SpaceID{1}, Key: annKey, Data: data})
		wantKind(t, err, moot.Corrupt)
	}
}
