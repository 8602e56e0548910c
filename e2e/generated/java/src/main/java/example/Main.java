package example;

import example.api.WorkflowApi;
import example.api.WorkflowsApi;
import example.invoker.ApiClient;
import example.model.Outcome;
import example.model.StartWorkflowRequest;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** A service in Java: starts an order and waits for its result. */
public final class Main {
  public static void main(String[] args) throws Exception {
    String key = System.getenv("FLOWGATE_KEY");
    String namespace = System.getenv("FLOWGATE_NAMESPACE");
    ApiClient client = new ApiClient();
    client.updateBaseUri(System.getenv("FLOWGATE_URL"));
    client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + key));

    String workflowId = "java-" + UUID.randomUUID();
    Map<String, Object> item = Map.of("sku", "book", "quantity", 2, "price", 1250);
    StartWorkflowRequest order =
        new StartWorkflowRequest()
            .workflowType("Order")
            .workflowId(workflowId)
            .taskQueue(System.getenv("FLOWGATE_TASK_QUEUE"))
            .args(List.of(Map.of("orderId", workflowId, "items", List.of(item), "autoApprove", true)));
    new WorkflowsApi(client)
        .startWorkflow(namespace, order, null, null, null, null, null);

    Outcome outcome =
        new WorkflowApi(client)
            .getWorkflowResult(namespace, workflowId, "30s", null, null, null, null, null, null);
    if (!outcome.getStatus().equals("COMPLETED") || !((Map<?, ?>) outcome.getResult()).get("total").equals(2500)) {
      throw new IllegalStateException("unexpected: " + outcome);
    }
  }

  private Main() {}
}
