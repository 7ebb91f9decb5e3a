// Package clients holds the official Go client, unchanged, against a running server: every method of its interface.
//
//	CORE_URL=http://127.0.0.1:8080 CORE_USERNAME=admin CORE_PASSWORD=… go test ./...
package clients

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	coreclient "github.com/datarhei/core-client-go/v16"
	"github.com/datarhei/core-client-go/v16/api"
)

// soon is how long a machine under heavy load may take for what comes at once on an idle one.
const soon = 60 * time.Second

// id has what has to be escaped in a path.
const id = "go-client:main 1"

const reference = "go-client"

// methods has a check for each method of the client's interface, run in this order.
var methods = []struct {
	name  string
	check func(t *testing.T, client coreclient.RestClient)
}{
	{"String", func(t *testing.T, client coreclient.RestClient) {
		contains(t, client.String(), client.ID())
		contains(t, client.String(), client.Address())
	}},
	{"ID", func(t *testing.T, client coreclient.RestClient) { isTrue(t, client.ID() != "", "an id") }},
	{"Address", func(t *testing.T, client coreclient.RestClient) { equal(t, client.Address(), os.Getenv("CORE_URL")) }},
	{"Tokens", func(t *testing.T, client coreclient.RestClient) {
		access, refresh := client.Tokens()
		equal(t, strings.Count(access, "."), 2)
		equal(t, strings.Count(refresh, "."), 2)
	}},
	{"About", func(t *testing.T, client coreclient.RestClient) {
		about := client.About()
		equal(t, about.App, "datarhei-core")
		contains(t, strings.Join(about.Auths, ","), "localjwt")
		isTrue(t, strings.HasPrefix(about.Version.Number, "16."), "a version 16")
		_, err := time.Parse(time.RFC3339, about.CreatedAt)
		succeeds(t, err)
	}},

	{"Config", func(t *testing.T, client coreclient.RestClient) {
		version, config, err := client.Config()
		succeeds(t, err)
		equal(t, version, int64(3))
		isTrue(t, !config.LoadedAt.IsZero(), "a time when it was loaded")
		contains(t, strings.Join(config.Overrides, ","), "api.auth.enable")
		_, isObject := config.Config.(map[string]interface{})
		isTrue(t, isObject, "an object")
	}},
	{"ConfigSet", func(t *testing.T, client coreclient.RestClient) {
		_, config, err := client.Config()
		succeeds(t, err)
		values := config.Config.(map[string]interface{})
		values["name"] = "set by the Go client"
		succeeds(t, client.ConfigSet(values))
		_, config, err = client.Config()
		succeeds(t, err)
		equal(t, config.Config.(map[string]interface{})["name"], "set by the Go client")

		values["tls"] = map[string]interface{}{"enable": true, "auto": false, "cert_file": "", "key_file": ""}
		err = client.ConfigSet(values)
		conflict, isConflict := err.(api.ConfigError)
		isTrue(t, isConflict, fmt.Sprintf("an api.ConfigError instead of %v", err))
		isTrue(t, len(conflict["tls.enable"]) > 0, "a message for tls.enable")
	}},
	{"ConfigReload", func(t *testing.T, client coreclient.RestClient) {
		succeeds(t, client.ConfigReload())
		eventually(t, "the name that was set", func() bool {
			again, err := connect(credentials())
			return err == nil && again.About().Name == "set by the Go client"
		})
	}},

	{"DiskFSList", lists(
		func(client coreclient.RestClient, path string) error {
			return client.DiskFSAddFile(path, strings.NewReader("12345"))
		},
		func(client coreclient.RestClient) ([]api.FileInfo, error) {
			return client.DiskFSList(coreclient.SORT_NAME, coreclient.ORDER_DESC)
		},
	)},
	{"DiskFSAddFile", func(t *testing.T, client coreclient.RestClient) {
		succeeds(t, client.DiskFSAddFile("/go/file.txt", strings.NewReader("disk")))
		succeeds(t, client.DiskFSAddFile("/go/file.txt", strings.NewReader("disk, replaced")))
	}},
	{"DiskFSHasFile", func(t *testing.T, client coreclient.RestClient) {
		equal(t, client.DiskFSHasFile("/go/file.txt"), true)
		equal(t, client.DiskFSHasFile("/go/none.txt"), false)
	}},
	{"DiskFSGetFile", func(t *testing.T, client coreclient.RestClient) {
		reads(t, "disk, replaced")(client.DiskFSGetFile("go/file.txt"))
		_, err := client.DiskFSGetFile("go/none.txt")
		answers(t, err, http.StatusNotFound)
	}},
	{"DiskFSDeleteFile", func(t *testing.T, client coreclient.RestClient) {
		succeeds(t, client.DiskFSDeleteFile("/go/file.txt"))
		answers(t, client.DiskFSDeleteFile("/go/file.txt"), http.StatusNotFound)
	}},

	{"MemFSList", lists(
		func(client coreclient.RestClient, path string) error {
			return client.MemFSAddFile(path, strings.NewReader("12345"))
		},
		func(client coreclient.RestClient) ([]api.FileInfo, error) {
			return client.MemFSList(coreclient.SORT_NAME, coreclient.ORDER_DESC)
		},
	)},
	{"MemFSAddFile", func(t *testing.T, client coreclient.RestClient) {
		succeeds(t, client.MemFSAddFile("/go/file.txt", strings.NewReader("memory")))
		succeeds(t, client.MemFSAddFile("/go/file.txt", strings.NewReader("memory, replaced")))
	}},
	{"MemFSHasFile", func(t *testing.T, client coreclient.RestClient) {
		equal(t, client.MemFSHasFile("/go/file.txt"), true)
		equal(t, client.MemFSHasFile("/go/none.txt"), false)
	}},
	{"MemFSGetFile", func(t *testing.T, client coreclient.RestClient) {
		reads(t, "memory, replaced")(client.MemFSGetFile("go/file.txt"))
		_, err := client.MemFSGetFile("go/none.txt")
		answers(t, err, http.StatusNotFound)
	}},
	{"MemFSDeleteFile", func(t *testing.T, client coreclient.RestClient) {
		succeeds(t, client.MemFSDeleteFile("/go/file.txt"))
		answers(t, client.MemFSDeleteFile("/go/file.txt"), http.StatusNotFound)
	}},

	{"FilesystemAddFile", func(t *testing.T, client coreclient.RestClient) {
		for _, name := range []string{"disk", "mem"} {
			succeeds(t, client.FilesystemAddFile(name, "go/filesystem.txt", strings.NewReader(name)))
		}
		err := client.FilesystemAddFile("none", "/go/filesystem.txt", strings.NewReader("x"))
		answers(t, err, http.StatusNotFound)
	}},
	{"FilesystemList", func(t *testing.T, client coreclient.RestClient) {
		files, err := client.FilesystemList("mem", "/go/*system.txt", "", "")
		succeeds(t, err)
		equal(t, fmt.Sprint(names(files)), "[/go/filesystem.txt]")
		files, err = client.FilesystemList("mem", "/none/**", "", "")
		succeeds(t, err)
		isTrue(t, files != nil && len(files) == 0, "an empty list, not null")
	}},
	{"FilesystemHasFile", func(t *testing.T, client coreclient.RestClient) {
		equal(t, client.FilesystemHasFile("disk", "go/filesystem.txt"), true)
		equal(t, client.FilesystemHasFile("none", "go/filesystem.txt"), false)
	}},
	{"FilesystemGetFile", func(t *testing.T, client coreclient.RestClient) {
		for _, name := range []string{"disk", "mem"} {
			reads(t, name)(client.FilesystemGetFile(name, "/go/filesystem.txt"))
		}
	}},
	{"FilesystemDeleteFile", func(t *testing.T, client coreclient.RestClient) {
		for _, name := range []string{"disk", "mem"} {
			succeeds(t, client.FilesystemDeleteFile(name, "/go/filesystem.txt"))
		}
		answers(t, client.FilesystemDeleteFile("mem", "/go/filesystem.txt"), http.StatusNotFound)
	}},

	{"MetadataSet", func(t *testing.T, client coreclient.RestClient) {
		succeeds(t, client.MetadataSet("go-client", map[string]interface{}{"a": []int{1, 2}}))
	}},
	{"Metadata", func(t *testing.T, client coreclient.RestClient) {
		value, err := client.Metadata("go-client")
		succeeds(t, err)
		equal(t, fmt.Sprint(value), "map[a:[1 2]]")
		all, err := client.Metadata("")
		succeeds(t, err)
		equal(t, fmt.Sprint(all.(map[string]interface{})["go-client"]), "map[a:[1 2]]")
		_, err = client.Metadata("none")
		answers(t, err, http.StatusNotFound)
		succeeds(t, client.MetadataSet("go-client", nil))
	}},

	{"ProcessAdd", func(t *testing.T, client coreclient.RestClient) {
		succeeds(t, client.ProcessAdd(process(id)))
		answers(t, client.ProcessAdd(process(id)), http.StatusBadRequest)
	}},
	{"ProcessState", func(t *testing.T, client coreclient.RestClient) {
		eventually(t, "a running process with progress", func() bool {
			state, err := client.ProcessState(id)
			succeeds(t, err)
			return state.State == "running" && state.Progress.Frame > 0
		})
		state, err := client.ProcessState(id)
		succeeds(t, err)
		equal(t, state.Order, "start")
		equal(t, len(state.Progress.Input), 1)
		equal(t, len(state.Progress.Output), 1)
		equal(t, state.Progress.Input[0].Width, uint64(64))
		contains(t, strings.Join(state.Command, " "), "testsrc=size=64x48")
	}},
	{"Process", func(t *testing.T, client coreclient.RestClient) {
		whole, err := client.Process(id, nil)
		succeeds(t, err)
		equal(t, whole.ID, id)
		equal(t, whole.Reference, reference)
		equal(t, whole.Type, "ffmpeg")
		isTrue(t, whole.Config != nil && whole.State != nil && whole.Report != nil, "config, state and report")
		part, err := client.Process(id, []string{"state"})
		succeeds(t, err)
		isTrue(t, part.State != nil && part.Config == nil && part.Report == nil, "the state alone")
		_, err = client.Process("none", nil)
		answers(t, err, http.StatusNotFound)
	}},
	{"ProcessConfig", func(t *testing.T, client coreclient.RestClient) {
		config, err := client.ProcessConfig(id)
		succeeds(t, err)
		equal(t, config.Input[0].Address, process(id).Input[0].Address)
		equal(t, fmt.Sprint(config.Output[0].Options), "[-c:v rawvideo -f null]")
		equal(t, config.StaleTimeout, uint64(30))
	}},
	{"ProcessList", func(t *testing.T, client coreclient.RestClient) {
		succeeds(t, client.ProcessAdd(process("go-client:other")))
		for _, options := range []coreclient.ProcessListOptions{
			{ID: []string{id, "none"}},
			{IDPattern: "go-client:main*", Filter: []string{"config"}},
			{IDPattern: "*main*", RefPattern: "go-*"},
		} {
			list, err := client.ProcessList(options)
			succeeds(t, err)
			equal(t, len(list), 1)
			equal(t, list[0].ID, id)
		}
		list, err := client.ProcessList(coreclient.ProcessListOptions{Reference: reference})
		succeeds(t, err)
		equal(t, len(list), 2)
	}},
	{"ProcessUpdate", func(t *testing.T, client coreclient.RestClient) {
		config := process(id)
		config.StaleTimeout = 45
		succeeds(t, client.ProcessUpdate(id, config))
		updated, err := client.ProcessConfig(id)
		succeeds(t, err)
		equal(t, updated.StaleTimeout, uint64(45))
		answers(t, client.ProcessUpdate("none", config), http.StatusNotFound)
	}},
	{"ProcessMetadataSet", func(t *testing.T, client coreclient.RestClient) {
		succeeds(t, client.ProcessMetadataSet(id, "ui/key", map[string]string{"title": "a"}))
	}},
	{"ProcessMetadata", func(t *testing.T, client coreclient.RestClient) {
		value, err := client.ProcessMetadata(id, "ui/key")
		succeeds(t, err)
		equal(t, fmt.Sprint(value), "map[title:a]")
		_, err = client.ProcessMetadata(id, "none")
		answers(t, err, http.StatusNotFound)
	}},
	{"ProcessReport", func(t *testing.T, client coreclient.RestClient) {
		eventually(t, "a prelude", func() bool {
			report, err := client.ProcessReport(id)
			succeeds(t, err)
			return report.CreatedAt > 0 && strings.Contains(strings.Join(report.Prelude, "\n"), "testsrc")
		})
	}},
	{"ProcessProbe", func(t *testing.T, client coreclient.RestClient) {
		probe, err := client.ProcessProbe(id)
		succeeds(t, err)
		equal(t, len(probe.Streams), 1)
		equal(t, probe.Streams[0].Type, "video")
		equal(t, probe.Streams[0].Width, uint64(64))
		isTrue(t, len(probe.Log) > 0, "a log")
	}},
	{"ProcessCommand", func(t *testing.T, client coreclient.RestClient) {
		for _, step := range [][3]string{
			{"stop", "stop", "finished"}, {"start", "start", "running"},
			{"restart", "start", "running"}, {"reload", "start", "running"},
		} {
			succeeds(t, client.ProcessCommand(id, step[0]))
			eventually(t, "the state "+step[2]+" after "+step[0], func() bool {
				state, err := client.ProcessState(id)
				succeeds(t, err)
				return state.Order == step[1] && state.State == step[2]
			})
		}
		answers(t, client.ProcessCommand(id, "nonsense"), http.StatusBadRequest)
	}},

	{"Log", func(t *testing.T, client coreclient.RestClient) {
		events, err := client.Log()
		succeeds(t, err)
		isTrue(t, len(events) > 0, "events")
		for _, event := range events {
			_, err := time.Parse(time.RFC3339Nano, fmt.Sprint(event["ts"]))
			succeeds(t, err)
			isTrue(t, event["component"] != nil, "a component")
		}
	}},
	{"MetricsList", func(t *testing.T, client coreclient.RestClient) {
		metrics, err := client.MetricsList()
		succeeds(t, err)
		labels := map[string]string{}
		for _, metric := range metrics {
			labels[metric.Name] = strings.Join(metric.Labels, ",")
			isTrue(t, metric.Description != "", "a description of "+metric.Name)
		}
		contains(t, labels["session_active"], "collector")
		contains(t, labels["restream_process"], "processid")
	}},
	{"Metrics", func(t *testing.T, client coreclient.RestClient) {
		answer, err := client.Metrics(api.MetricsQuery{Metrics: []api.MetricsQueryMetric{{Name: "none"}}})
		succeeds(t, err)
		isTrue(t, answer.Metrics != nil && len(answer.Metrics) == 0, "an empty list, not null")
		// Values are pairs in the API, and objects in the client: it cannot decode any answer that has one.
		_, err = client.Metrics(api.MetricsQuery{Metrics: []api.MetricsQueryMetric{{Name: "cpu_ncpu"}}})
		isTrue(t, err != nil, "an error of the client's decoder")
		contains(t, err.Error(), "MetricsResponseValue")
	}},
	{"Sessions", func(t *testing.T, client coreclient.RestClient) {
		sessions, err := client.Sessions([]string{"hls", "ffmpeg", "none"})
		succeeds(t, err)
		equal(t, len(sessions), 3)
		isTrue(t, sessions["hls"].Active.SessionList != nil, "a list, not null")
		isTrue(t, sessions["hls"].Summary.References != nil, "an object, not null")
	}},
	{"SessionsActive", func(t *testing.T, client coreclient.RestClient) {
		sessions, err := client.SessionsActive([]string{"hls", "ffmpeg"})
		succeeds(t, err)
		equal(t, len(sessions), 2)
		isTrue(t, sessions["hls"] != nil, "a list, not null")
	}},
	{"Skills", func(t *testing.T, client coreclient.RestClient) {
		skills, err := client.Skills()
		succeeds(t, err)
		equal(t, strings.Count(skills.FFmpeg.Version, "."), 2)
		for name, count := range map[string]int{
			"libraries": len(skills.FFmpeg.Libraries), "filters": len(skills.Filters),
			"audio codecs": len(skills.Codecs.Audio), "video codecs": len(skills.Codecs.Video),
			"demuxers": len(skills.Formats.Demuxers), "muxers": len(skills.Formats.Muxers),
			"inputs": len(skills.Protocols.Input), "outputs": len(skills.Protocols.Output),
		} {
			isTrue(t, count > 0, name)
		}
	}},
	{"SkillsReload", func(t *testing.T, client coreclient.RestClient) { succeeds(t, client.SkillsReload()) }},
	{"WidgetProcess", func(t *testing.T, client coreclient.RestClient) {
		// The client forgets the slash before the id.
		eventually(t, "an uptime", func() bool {
			widget, err := client.WidgetProcess(id)
			succeeds(t, err)
			return widget.Uptime > 0
		})
		_, err := client.WidgetProcess("none")
		answers(t, err, http.StatusNotFound)
	}},

	{"Graph", func(t *testing.T, client coreclient.RestClient) {
		answer, err := client.Graph(api.GraphQuery{Query: "{ about { app } }", Variables: map[string]string{}})
		skipUnbuilt(t, err)
		succeeds(t, err)
		equal(t, fmt.Sprint(answer.Data), "map[about:map[app:datarhei-core]]")
	}},
	{"RTMPChannels", func(t *testing.T, client coreclient.RestClient) {
		channels, err := client.RTMPChannels()
		skipUnbuilt(t, err)
		succeeds(t, err)
		isTrue(t, channels != nil && len(channels) == 0, "an empty list, not null")
	}},
	{"SRTChannels", func(t *testing.T, client coreclient.RestClient) {
		channels, err := client.SRTChannels()
		skipUnbuilt(t, err)
		succeeds(t, err)
		isTrue(t, channels.Publisher != nil && channels.Subscriber != nil, "objects, not null")
	}},

	{"ProcessDelete", func(t *testing.T, client coreclient.RestClient) {
		for _, each := range []string{id, "go-client:other"} {
			succeeds(t, client.ProcessDelete(each))
			_, err := client.Process(each, nil)
			answers(t, err, http.StatusNotFound)
		}
		list, err := client.ProcessList(coreclient.ProcessListOptions{Reference: reference})
		succeeds(t, err)
		isTrue(t, list != nil && len(list) == 0, "an empty list, not null")
	}},
}

func TestEveryMethodIsChecked(t *testing.T) {
	checked := map[string]bool{}
	for _, method := range methods {
		isTrue(t, !checked[method.name], method.name+" once")
		checked[method.name] = true
	}
	client := reflect.TypeOf((*coreclient.RestClient)(nil)).Elem()
	for i := 0; i < client.NumMethod(); i++ {
		isTrue(t, checked[client.Method(i).Name], "a check of "+client.Method(i).Name)
	}
	equal(t, len(checked), client.NumMethod())
}

func TestMethods(t *testing.T) {
	client, err := connect(credentials())
	succeeds(t, err)
	for _, stale := range []string{id, "go-client:other"} {
		succeeds(t, client.ProcessDelete(stale))
	}
	for _, method := range methods {
		method := method
		t.Run(method.name, func(t *testing.T) { method.check(t, client) })
	}
}

func TestAWrongPasswordFailsToConnect(t *testing.T) {
	wrong := credentials()
	wrong.Password = "wrong"
	_, err := connect(wrong)
	isTrue(t, err != nil, "an error")
	contains(t, err.Error(), "wrong username")
}

func TestTokensOfAnEarlierClientConnectWithoutALogin(t *testing.T) {
	client, err := connect(credentials())
	succeeds(t, err)
	access, refresh := client.Tokens()
	again, err := connect(coreclient.Config{AccessToken: access, RefreshToken: refresh})
	succeeds(t, err)
	_, err = again.Skills()
	succeeds(t, err)
	kept, _ := again.Tokens()
	equal(t, kept, access)
}

// An access token that no longer counts is replaced with the refresh token, on the way of any call that has no body.
func TestARefusedAccessTokenIsRefreshed(t *testing.T) {
	client, err := connect(credentials())
	succeeds(t, err)
	access, refresh := client.Tokens()

	spoil := &spoiler{}
	again, err := connect(coreclient.Config{AccessToken: access, RefreshToken: refresh, Client: spoil})
	succeeds(t, err)
	spoil.next = true
	_, _, err = again.Config()
	succeeds(t, err)
	equal(t, fmt.Sprint(spoil.requests[1:]), "[GET /api/v3/config GET /api/login/refresh GET /api/v3/config]")
}

// spoiler replaces the token of one request with one that is refused.
type spoiler struct {
	next     bool
	requests []string
}

func (s *spoiler) Do(request *http.Request) (*http.Response, error) {
	s.requests = append(s.requests, request.Method+" "+request.URL.Path)
	if s.next {
		s.next = false
		request.Header.Set("Authorization", "Bearer a.b.c")
	}
	return http.DefaultClient.Do(request)
}

func credentials() coreclient.Config {
	return coreclient.Config{Username: os.Getenv("CORE_USERNAME"), Password: os.Getenv("CORE_PASSWORD")}
}

func connect(config coreclient.Config) (coreclient.RestClient, error) {
	config.Address = os.Getenv("CORE_URL")
	return coreclient.New(config)
}

func process(id string) api.ProcessConfig {
	return api.ProcessConfig{
		ID:        id,
		Type:      "ffmpeg",
		Reference: reference,
		Options:   []string{"-loglevel", "info"},
		Input: []api.ProcessConfigIO{
			{ID: "in", Address: "testsrc=size=64x48:rate=5", Options: []string{"-re", "-f", "lavfi"}},
		},
		Output: []api.ProcessConfigIO{
			{ID: "out", Address: "-", Options: []string{"-c:v", "rawvideo", "-f", "null"}},
		},
		Autostart:      true,
		Reconnect:      true,
		ReconnectDelay: 5,
		StaleTimeout:   30,
	}
}

// lists checks the list of a file system, sorted by name from the last to the first.
func lists(
	add func(coreclient.RestClient, string) error,
	list func(coreclient.RestClient) ([]api.FileInfo, error),
) func(*testing.T, coreclient.RestClient) {
	return func(t *testing.T, client coreclient.RestClient) {
		succeeds(t, add(client, "/go/list/a.txt"))
		succeeds(t, add(client, "/go/list/b.txt"))
		files, err := list(client)
		succeeds(t, err)
		contains(t, strings.Join(names(files), " "), "/go/list/b.txt /go/list/a.txt")
		for _, file := range files {
			if strings.HasPrefix(file.Name, "/go/list/") {
				equal(t, file.Size, int64(5))
				isTrue(t, file.LastMod > 0, "a time of the last change")
			}
		}
	}
}

func names(files []api.FileInfo) []string {
	list := []string{}
	for _, file := range files {
		list = append(list, file.Name)
	}
	return list
}

func reads(t *testing.T, want string) func(io.ReadCloser, error) {
	return func(body io.ReadCloser, err error) {
		t.Helper()
		succeeds(t, err)
		defer body.Close()
		content, err := io.ReadAll(body)
		succeeds(t, err)
		equal(t, string(content), want)
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(soon); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func answers(t *testing.T, err error, status int) {
	t.Helper()
	answer, isAnswer := err.(api.Error)
	if !isAnswer || answer.Code != status {
		t.Fatalf("got %v, want an api.Error with code %d", err, status)
	}
	isTrue(t, answer.Message != "", "a message")
}

func skipUnbuilt(t *testing.T, err error) {
	t.Helper()
	if answer, isAnswer := err.(api.Error); isAnswer && answer.Code == http.StatusNotFound {
		t.Skip("not built yet")
	}
}

func succeeds(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal(t *testing.T, got, want interface{}) {
	t.Helper()
	if got != want {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func contains(t *testing.T, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Fatalf("%q has no %q", text, part)
	}
}

func isTrue(t *testing.T, holds bool, what string) {
	t.Helper()
	if !holds {
		t.Fatalf("expected %s", what)
	}
}
