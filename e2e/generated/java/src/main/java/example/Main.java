package example;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.JSON;
import org.openapitools.client.api.ActivitiesApi;
import org.openapitools.client.api.SchedulesApi;
import org.openapitools.client.api.WorkflowApi;
import org.openapitools.client.api.WorkflowsApi;
import org.openapitools.client.model.CreateScheduleRequest;
import org.openapitools.client.model.FailActivityRequest;
import org.openapitools.client.model.Failure;
import org.openapitools.client.model.FailureInput;
import org.openapitools.client.model.HistoryEvent;
import org.openapitools.client.model.Outcome;
import org.openapitools.client.model.PendingActivity;
import org.openapitools.client.model.Problem;
import org.openapitools.client.model.Schedule;
import org.openapitools.client.model.ScheduleAction;
import org.openapitools.client.model.ScheduleSpec;
import org.openapitools.client.model.SignalRequest;
import org.openapitools.client.model.StartWorkflowRequest;
import org.openapitools.client.model.StartedWorkflow;
import org.openapitools.client.model.UpdateRequest;
import org.openapitools.client.model.WorkflowHistory;
import org.openapitools.client.model.WorkflowSummary;
import org.openapitools.client.model.WorkflowUpdate;

/** A service in Java, with the client of openapi-generator. */
public final class Main {
  private static final Map<String, Object> BOOK = Map.of("sku", "book", "quantity", 2, "price", 1250);
  private static final Map<String, Object> PEN = Map.of("sku", "pen", "quantity", 1, "price", 300);
  private static final int WAIT_MILLIS = 30_000;

  private final String namespace = System.getenv("FLOWGATE_NAMESPACE");
  private final WorkflowsApi workflows;
  private final WorkflowApi workflow;
  private final ActivitiesApi activities;
  private final SchedulesApi schedules;

  private Main(ApiClient client) {
    activities = new ActivitiesApi(client);
    schedules = new SchedulesApi(client);
    workflows = new WorkflowsApi(client);
    workflow = new WorkflowApi(client);
  }

  public static void main(String[] args) throws Exception {
    ApiClient client = new ApiClient().setBasePath(System.getenv("FLOWGATE_URL")).setReadTimeout(2 * WAIT_MILLIS);
    client.setBearerToken(System.getenv("FLOWGATE_KEY"));
    Main service = new Main(client);
    service.completeOrder();
    service.declineOrder();
    service.refuseApproval();
    service.scheduleOrders();
    client.getHttpClient().connectionPool().evictAll(); // else their threads delay the exit
    client.getHttpClient().dispatcher().executorService().shutdown();
  }

  private void completeOrder() throws Exception {
    String workflowId = newId();
    List<Object> order = List.of(Map.of("orderId", workflowId, "items", List.of(BOOK)));
    StartedWorkflow started = start("Order", workflowId, order, null);
    check(started.getStarted(), started);
    String runId = started.getRunId();

    UpdateRequest addItem = new UpdateRequest().update("addItem").args(List.of(PEN));
    WorkflowUpdate updated = workflow.updateWorkflow(namespace, workflowId, addItem, null, null, null, null, null, null);
    check(updated.getStatus().equals("COMPLETED") && total(updated.getResult()) == 2800, updated);

    awaitListed(workflowId, runId);

    Outcome running = result(workflowId, runId, "1s");
    check(running.getStatus().equals("RUNNING"), running);
    SignalRequest approve = new SignalRequest().signal("approve").args(List.of(Map.of("by", "ann")));
    workflow.signalWorkflow(namespace, workflowId, approve, null, null, null, null);
    Outcome outcome = result(workflowId, runId, "30s");
    check(outcome.getStatus().equals("COMPLETED") && total(outcome.getResult()) == 2800, outcome);

    List<HistoryEvent> events = history(workflowId, runId);
    for (int i = 0; i < events.size(); i++) {
      check(events.get(i).getEventId().equals(String.valueOf(i + 1)), events.get(i));
    }
    HistoryEvent last = events.get(events.size() - 1);
    check(last.getEventType().equals("EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED"), last);
  }

  private void declineOrder() throws Exception {
    String workflowId = newId();
    Map<String, Object> order = Map.of("orderId", workflowId, "items", List.of(BOOK), "card", "declined");
    StartedWorkflow outcome = start("Order", workflowId, List.of(order), "30s");
    check(outcome.getStarted() && outcome.getStatus().equals("FAILED"), outcome);
    check(outcome.getFailure().getCause().getKind().equals("application"), outcome);

    checkProblem("workflow-not-found", () -> workflow.describeWorkflow(namespace, newId(), null, null, null));
  }

  private void refuseApproval() throws Exception {
    String workflowId = newId();
    String runId = start("Approval", workflowId, List.of(), null).getRunId();
    eventually(
        () -> {
          List<PendingActivity> pending =
              workflow.describeWorkflow(namespace, workflowId, null, null, null).getPendingActivities();
          return pending.size() == 1 && pending.get(0).getState().equals("STARTED");
        });

    FailureInput failure =
        new FailureInput().message("no one may approve this").type("Refused").details(List.of("ann"));
    FailActivityRequest request =
        new FailActivityRequest().workflowId(workflowId).activityId("approve").failure(failure);
    activities.failActivity(namespace, request);

    Failure cause = result(workflowId, runId, "30s").getFailure().getCause();
    check(cause.getMessage().equals(failure.getMessage()) && cause.getType().equals("Refused"), cause);
    check(cause.getDetails().equals(failure.getDetails()), cause);
  }

  private void scheduleOrders() throws Exception {
    String scheduleId = newId();
    List<String> cron = List.of("30 2 * * 1-5");
    ScheduleAction action =
        new ScheduleAction()
            .workflowType("Echo")
            .workflowId(scheduleId)
            .taskQueue(System.getenv("FLOWGATE_TASK_QUEUE"))
            .args(List.of(BOOK));
    Schedule schedule = new Schedule().action(action).spec(new ScheduleSpec().cronExpressions(cron));
    CreateScheduleRequest request =
        new CreateScheduleRequest().scheduleId(scheduleId).schedule(schedule).triggerImmediately(true);
    schedules.createSchedule(namespace, request, null);

    eventually(() -> schedules.describeSchedule(namespace, scheduleId, null).getInfo().getNumActions() == 1);
    Schedule described = schedules.describeSchedule(namespace, scheduleId, null).getSchedule();
    check(described.getSpec().getCronExpressions().equals(cron), described);

    schedules.deleteSchedule(namespace, scheduleId, null);
    checkProblem("schedule-not-found", () -> schedules.describeSchedule(namespace, scheduleId, null));
  }

  private static void checkProblem(String code, Callable<?> call) throws Exception {
    try {
      check(false, call.call());
    } catch (ApiException e) {
      Problem problem = JSON.deserialize(e.getResponseBody(), Problem.class);
      check(problem.getCode().equals(code), problem);
    }
  }

  private StartedWorkflow start(String workflowType, String workflowId, List<Object> args, String wait)
      throws ApiException {
    StartWorkflowRequest request =
        new StartWorkflowRequest()
            .workflowType(workflowType)
            .workflowId(workflowId)
            .taskQueue(System.getenv("FLOWGATE_TASK_QUEUE"))
            .args(args);
    return workflows.startWorkflow(namespace, request, wait, null, null, null, null);
  }

  private Outcome result(String workflowId, String runId, String wait) throws ApiException {
    return workflow.getWorkflowResult(namespace, workflowId, wait, null, null, null, null, runId, null);
  }

  /** Lists are updated with a short delay. */
  private void awaitListed(String workflowId, String runId) throws Exception {
    String query = "WorkflowId = '" + workflowId + "'";
    eventually(
        () -> {
          List<WorkflowSummary> found =
              workflows
                  .listWorkflows(namespace, query, null, null, null, null, null, null, null, null)
                  .getWorkflows();
          return found.size() == 1 && found.get(0).getRunId().equals(runId);
        });
  }

  private static void eventually(Callable<Boolean> condition) throws Exception {
    long deadline = System.nanoTime() + WAIT_MILLIS * 1_000_000L;
    while (!condition.call()) {
      check(System.nanoTime() < deadline, "the condition did not become true in time");
      Thread.sleep(100);
    }
  }

  private List<HistoryEvent> history(String workflowId, String runId) throws ApiException {
    List<HistoryEvent> events = new ArrayList<>();
    int pages = 0;
    String pageToken = null;
    do {
      WorkflowHistory page =
          workflow.getWorkflowHistory(
              namespace, workflowId, null, null, null, null, 5, pageToken, null, null, null, null, null, runId, null);
      events.addAll(page.getEvents());
      pageToken = page.getNextPageToken();
      pages++;
    } while (pageToken != null);
    check(pages > 1, pages);
    return events;
  }

  private static double total(Object result) {
    return ((Number) ((Map<?, ?>) result).get("total")).doubleValue();
  }

  private static String newId() {
    return "java-" + UUID.randomUUID();
  }

  private static void check(boolean condition, Object found) {
    if (!condition) {
      throw new IllegalStateException("unexpected: " + found);
    }
  }
}
