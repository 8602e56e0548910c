package e2e_test

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"github.com/flowgate/flowgate/dev/sample"
	"github.com/flowgate/flowgate/dev/stack"
)

// stormActivitiesVariable is the environment variable with the number of activities of TestWorkersSurviveAStorm.
const stormActivitiesVariable = "STORM_ACTIVITIES"

// TestWorkersSurviveAStorm runs activities with the workers of examples/. One of them is killed every few seconds, and
// the two gateways are restarted in turn.
func TestWorkersSurviveAStorm(t *testing.T) {
	t.Parallel()
	const (
		defaultActivities = 150
		workersOfAKind    = 2
		rows              = 2
		killInterval      = 3 * time.Second
		restartInterval   = 4 * time.Second
	)
	activities, err := strconv.Atoi(cmp.Or(os.Getenv(stormActivitiesVariable), strconv.Itoa(defaultActivities)))
	require.NoError(t, err)
	queue := newID(t)
	replicas := startReplicas(t)
	crew := newCrew(t, queue, replicas.url, workersOfAKind)

	begin := time.Now()
	input := fmt.Sprintf(`"args":[{"taskQueue":%s,"files":%d,"rows":%d,"parallel":%d}]`, quote(queue), activities, rows, len(crew.workers))
	s := start(t, "Import", input)
	ctx, calm := context.WithCancel(t.Context())
	var storm sync.WaitGroup
	defer storm.Wait()
	defer calm()
	storm.Go(func() { every(ctx, killInterval, func() { crew.killOne(t) }) })
	storm.Go(func() { every(ctx, restartInterval, func() { replicas.restartNext(t) }) })
	result := awaitImport(t, s)
	took := time.Since(begin)
	calm()
	storm.Wait()

	require.Equal(t, activities*rows, result.Rows)
	require.Equal(t, []string{"bash", "node", "python"}, slices.Sorted(maps.Keys(result.Files)), "each kind of worker has completed activities")
	attempts := completedAttempts(t, s)
	require.Len(t, attempts, activities)
	crew.check(t)
	require.GreaterOrEqual(t, crew.kills.Load(), int64(3))
	require.GreaterOrEqual(t, replicas.restarts.Load(), int64(2))
	t.Logf("%d activities completed in %s by %v; %d workers killed, %d gateways restarted, %d connections",
		activities, took.Round(time.Second), result.Files, crew.kills.Load(), replicas.restarts.Load(), replicas.connections.Load())
	logAttempts(t, attempts)
	t.Logf("longest time from the kill of a worker to the next attempt: %s, with a heartbeat timeout of %s, for %d attempts",
		crew.longestLoss().Round(time.Millisecond), sample.ImportHeartbeatTimeout, len(crew.losses))
}

// every calls f after each interval until ctx ends.
func every(ctx context.Context, interval time.Duration, f func()) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			f()
		}
	}
}

func awaitImport(t *testing.T, s started) sample.ImportResult {
	t.Helper()
	const timeout = 15 * time.Minute
	for deadline := time.Now().Add(timeout); time.Now().Before(deadline); {
		a := writer().get(t, workflowPath(s.WorkflowID, "/result?wait=50s"))
		if a.status != http.StatusAccepted {
			return as[struct{ Result sample.ImportResult }](t, a.expect(t, http.StatusOK)).Result
		}
	}
	require.FailNow(t, "the workflow does not complete")
	return sample.ImportResult{}
}

// attempt is the last attempt of an activity, which completed it.
type attempt struct {
	number int32
	gap    time.Duration // from the scheduling of the activity until its completion
}

// completedAttempts reads the activities of a run from its history. Each activity must have completed once, and none
// may be lost for longer than its heartbeat timeout in any attempt.
func completedAttempts(t *testing.T, s started) []attempt {
	t.Helper()
	// slack is the time for an attempt and for the start of a worker on a busy machine.
	const slack = 10 * time.Second
	var attempts []attempt
	scheduled, number := map[int64]time.Time{}, map[int64]int32{}
	for _, event := range serverHistory(t, s.WorkflowID, s.RunID) {
		switch at := event.GetEventTime().AsTime(); event.GetEventType() { //nolint:exhaustive // those of activities
		case enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
			scheduled[event.GetEventId()] = at
		case enums.EVENT_TYPE_ACTIVITY_TASK_STARTED:
			attributes := event.GetActivityTaskStartedEventAttributes()
			number[attributes.GetScheduledEventId()] = attributes.GetAttempt()
		case enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
			id := event.GetActivityTaskCompletedEventAttributes().GetScheduledEventId()
			a := attempt{number: number[id], gap: at.Sub(scheduled[id])}
			limit := time.Duration(a.number) * (sample.ImportHeartbeatTimeout + slack)
			assert.LessOrEqual(t, a.gap, limit, "the activity of event %d with %d attempts", id, a.number)
			attempts = append(attempts, a)
			delete(scheduled, id)
		case enums.EVENT_TYPE_ACTIVITY_TASK_FAILED, enums.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT, enums.EVENT_TYPE_ACTIVITY_TASK_CANCELED:
			assert.Fail(t, "an activity has not completed", "%s", event)
		}
	}
	require.Empty(t, scheduled, "each activity has one completed event")
	return attempts
}

// logAttempts logs the number of activities and the longest gap, by the number of attempts.
func logAttempts(t *testing.T, attempts []attempt) {
	t.Helper()
	count, longest, total := map[int32]int{}, map[int32]time.Duration{}, 0
	for _, a := range attempts {
		count[a.number]++
		longest[a.number] = max(longest[a.number], a.gap)
		total += int(a.number)
	}
	t.Logf("%d attempts", total)
	for _, number := range slices.Sorted(maps.Keys(count)) {
		t.Logf("%d activities with %d attempts, the longest %s from scheduled to completed", count[number], number, longest[number].Round(time.Millisecond))
	}
}

// replicas are two gateways behind a TCP load balancer. It does not check the health of the gateways: it connects to
// the next one if a connection is refused, so clients see the responses of a gateway that drains.
type replicas struct {
	url                   string
	addresses             [2]atomic.Pointer[string]
	gateways              [2]*stack.Gateway
	connections, restarts atomic.Int64
}

func startReplicas(t *testing.T) *replicas {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r := &replicas{url: "http://" + listener.Addr().String()}
	for i := range r.gateways {
		r.set(i, startGatewayForTest(t))
	}
	var serving sync.WaitGroup
	t.Cleanup(serving.Wait)
	t.Cleanup(func() { _ = listener.Close() })
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { r.forward(conn.(*net.TCPConn)) }) //nolint:forcetypeassert // by the network
		}
	})
	return r
}

func (r *replicas) set(i int, gateway *stack.Gateway) {
	r.gateways[i] = gateway
	address := gateway.URL[len("http://"):]
	r.addresses[i].Store(&address)
}

// forward connects a client to a gateway until either of them closes its connection.
func (r *replicas) forward(client *net.TCPConn) {
	defer func() { _ = client.Close() }()
	first := int(r.connections.Add(1))
	for i := range r.addresses {
		opened, err := net.Dial("tcp", *r.addresses[(first+i)%len(r.addresses)].Load()) //nolint:noctx // to a loopback address
		if err != nil {
			continue
		}
		gateway := opened.(*net.TCPConn) //nolint:forcetypeassert // by the network
		var sending sync.WaitGroup
		sending.Go(func() {
			_, _ = io.Copy(gateway, client)
			_ = gateway.CloseWrite()
		})
		_, _ = io.Copy(client, gateway)
		_, _ = client.Close(), gateway.Close()
		sending.Wait()
		return
	}
}

// restartNext drains a gateway, waits until it has exited, and starts another in its place.
func (r *replicas) restartNext(t *testing.T) {
	t.Helper()
	i := int(r.restarts.Add(1)) % len(r.gateways)
	if err := r.gateways[i].Signal(syscall.SIGTERM); err != nil {
		assert.Fail(t, err.Error())
	}
	select {
	case <-r.gateways[i].Done():
		if err := r.gateways[i].Err(); err != nil {
			assert.Fail(t, err.Error())
		}
	case <-t.Context().Done():
		return
	}
	gateway, err := startGateway(t.Context())
	if assert.NoError(t, err) {
		r.set(i, gateway)
	}
}

// crew are the workers that run the activities.
type crew struct {
	queue, url string
	workers    []*crewMember
	kills      atomic.Int64

	mu          sync.Mutex
	interrupted map[string]interruption // by the file of the attempt
	losses      []time.Duration         // from an interruption to the next attempt
	completed   map[string]int          // number of accepted reports of completion, by file
	unexpected  []string                // lines that no worker should write
}

// interruption is the kill of a worker that had a task.
type interruption struct {
	at      time.Time
	attempt int
}

// crewMember is a process of a worker, which a new process replaces when it is killed.
type crewMember struct {
	command []string
	process *exec.Cmd
	// file and attempt are those of the task in hand; crew.mu guards them.
	file    string
	attempt int
}

func newCrew(t *testing.T, queue, url string, workersOfAKind int) *crew {
	t.Helper()
	c := &crew{queue: queue, url: url, interrupted: map[string]interruption{}, completed: map[string]int{}}
	for _, command := range exampleWorkers {
		for range workersOfAKind {
			m := &crewMember{command: append(slices.Clone(command), queue)}
			c.start(t, m)
			c.workers = append(c.workers, m)
		}
	}
	return c
}

// start starts a process for a member. The workers run in a process group of their own, so that the end of the test
// ends curl processes that a killed bash worker has left.
func (c *crew) start(t *testing.T, m *crewMember) {
	t.Helper()
	process := exec.Command(m.command[0], m.command[1:]...) //nolint:noctx // the cleanup ends it
	process.Env = exampleEnvironment(c.url)
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	reader, output, err := os.Pipe()
	if !assert.NoError(t, err) {
		return
	}
	process.Stdout, process.Stderr = output, output
	if !assert.NoError(t, process.Start()) {
		return
	}
	m.process = process
	assert.NoError(t, output.Close())
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer func() { _ = reader.Close() }()
		for lines := bufio.NewScanner(reader); lines.Scan(); {
			c.observe(m, process, lines.Text())
		}
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-process.Process.Pid, syscall.SIGKILL)
		_ = process.Wait()
		<-read
	})
}

var (
	attemptLine  = regexp.MustCompile(`^(.+): attempt (\d+) from row \d+$`)
	completeLine = regexp.MustCompile(`^(.+): complete with (204|404)$`)
	stoppedLine  = regexp.MustCompile(`^(.+): stopped by 404$`)
)

// observe handles a line that a worker has written.
func (c *crew) observe(m *crewMember, process *exec.Cmd, line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	began, ended := attemptLine.FindStringSubmatch(line), completeLine.FindStringSubmatch(line)
	stopped := stoppedLine.FindStringSubmatch(line)
	switch {
	case began != nil:
		attempt, _ := strconv.Atoi(began[2])
		if m.process == process {
			m.file, m.attempt = began[1], attempt
		}
		c.resume(began[1], attempt)
	case ended != nil:
		if ended[2] == "204" {
			c.completed[ended[1]]++
		}
		c.end(m, ended[1])
	case stopped != nil:
		c.end(m, stopped[1])
	default:
		c.unexpected = append(c.unexpected, line)
	}
}

// resume records the loss if the last attempt that a worker has written about was interrupted. No worker writes about
// an attempt whose task reached a process that was killed, because a curl process can outlive its worker.
func (c *crew) resume(file string, attempt int) {
	lost, found := c.interrupted[file]
	if !found || attempt <= lost.attempt {
		return
	}
	c.losses = append(c.losses, time.Since(lost.at)/time.Duration(attempt-lost.attempt))
	delete(c.interrupted, file)
}

func (c *crew) end(m *crewMember, file string) {
	if m.file == file {
		m.file = ""
	}
	delete(c.interrupted, file)
}

// killOne kills the process of a random worker and starts another in its place.
func (c *crew) killOne(t *testing.T) {
	t.Helper()
	m := c.workers[rand.N(len(c.workers))]
	c.mu.Lock()
	if err := m.process.Process.Kill(); err != nil {
		assert.Fail(t, err.Error())
	}
	if m.file != "" {
		c.interrupted[m.file] = interruption{time.Now(), m.attempt}
		m.file = ""
	}
	c.mu.Unlock()
	c.kills.Add(1)
	c.start(t, m)
}

// check requires that no completion was accepted twice, and that no task was lost for longer than its heartbeat
// timeout.
func (c *crew) check(t *testing.T) {
	t.Helper()
	// slack is the time until another worker has the task, on a busy machine.
	const slack = 5 * time.Second
	c.mu.Lock()
	defer c.mu.Unlock()
	require.Empty(t, c.unexpected)
	for file, times := range c.completed {
		assert.Equal(t, 1, times, "accepted completions of %s", file)
	}
	assert.Less(t, c.longestLoss(), sample.ImportHeartbeatTimeout+slack)
}

func (c *crew) longestLoss() time.Duration {
	if len(c.losses) == 0 {
		return 0
	}
	return slices.Max(c.losses)
}
