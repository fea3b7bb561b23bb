import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.http.client.config.RequestConfig;
import org.apache.http.client.methods.CloseableHttpResponse;
import org.apache.http.client.methods.HttpPost;
import org.apache.http.entity.ByteArrayEntity;
import org.apache.http.entity.ContentType;
import org.apache.http.impl.client.CloseableHttpClient;
import org.apache.http.impl.client.HttpClients;
import org.apache.http.util.EntityUtils;

/**
 * Sends callbacks as Cloud Monitor does: with a pool of connections, a timeout of 5 s, and up to 3 tries each.
 *
 * <p>Arguments: URL, name of the resources, number of callbacks, threads, bytes of each body, "expect" or "-",
 * "chunked" or "-". Prints how often each status was received (0 if there was no answer), then the number of repeated
 * tries ("repeated") and of callbacks without success ("given-up").
 */
public final class Sender {
    private static final int TIME_OUT = 5_000;
    private static final int TRIES = 3;

    private final String url;
    private final String name;
    private final int length;
    private final boolean chunked;
    private final CloseableHttpClient client;
    private final Map<Integer, Integer> statuses = new TreeMap<>();
    private int repeated;
    private int givenUp;

    private Sender(String url, String name, int threads, int length, boolean expects, boolean chunked) {
        this.url = url;
        this.name = name;
        this.length = length;
        this.chunked = chunked;
        RequestConfig config = RequestConfig.custom()
            .setConnectTimeout(TIME_OUT)
            .setSocketTimeout(TIME_OUT)
            .setConnectionRequestTimeout(TIME_OUT)
            .setExpectContinueEnabled(expects)
            .build();
        client = HttpClients.custom()
            .setDefaultRequestConfig(config)
            .setMaxConnPerRoute(threads)
            .setMaxConnTotal(threads)
            .disableAutomaticRetries() // so that each try is counted
            .build();
    }

    public static void main(String[] arguments) throws Exception {
        int threads = Integer.parseInt(arguments[3]);
        Sender sender = new Sender(
            arguments[0], arguments[1], threads, Integer.parseInt(arguments[4]),
            arguments[5].equals("expect"), arguments[6].equals("chunked"));
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        List<Future<?>> sent = new ArrayList<>();
        for (int number = 0; number < Integer.parseInt(arguments[2]); number++) {
            int one = number;
            sent.add(pool.submit(() -> sender.send(one)));
        }
        for (Future<?> future : sent) {
            future.get();
        }
        pool.shutdown();
        sender.client.close();
        sender.statuses.forEach((status, count) -> System.out.println(status + " " + count));
        System.out.println("repeated " + sender.repeated);
        System.out.println("given-up " + sender.givenUp);
    }

    private void send(int number) {
        byte[] body = body(number);
        for (int attempt = 1; attempt <= TRIES; attempt++) {
            int status = ask(body);
            count(status, attempt);
            if (status >= 200 && status < 300) {
                return;
            }
        }
    }

    private synchronized void count(int status, int attempt) {
        statuses.merge(status, 1, Integer::sum);
        boolean refused = status < 200 || status >= 300;
        repeated += refused && attempt < TRIES ? 1 : 0;
        givenUp += refused && attempt == TRIES ? 1 : 0;
    }

    private int ask(byte[] body) {
        HttpPost post = new HttpPost(url);
        ByteArrayEntity entity = new ByteArrayEntity(body, ContentType.APPLICATION_FORM_URLENCODED);
        entity.setChunked(chunked);
        post.setEntity(entity);
        try (CloseableHttpResponse answer = client.execute(post)) {
            EntityUtils.consume(answer.getEntity());
            return answer.getStatusLine().getStatusCode();
        } catch (java.io.IOException error) {
            System.err.println(error);
            return 0;
        }
    }

    private byte[] body(int number) {
        String resource = "i-" + name + "-" + number;
        StringBuilder text = new StringBuilder();
        String[] fields = {
            "userId", "1900000000000010", "ruleId", "rule-soak", "alertName", "CPU", "alertState", "ALERT",
            "triggerLevel", "WARN", "metricName", "CPUUtilization", "namespace", "acs_ecs_dashboard",
            "regionId", "cn-hangzhou", "dimensions", "{instanceId=" + resource + ", userId=1900000000000010}",
            "curValue", "97.5", "timestamp", Long.toString(System.currentTimeMillis()), "transId", "trans-" + resource,
        };
        for (int place = 0; place < fields.length; place += 2) {
            text.append(fields[place]).append('=');
            text.append(URLEncoder.encode(fields[place + 1], StandardCharsets.UTF_8)).append('&');
        }
        text.append("note=");
        text.append("x".repeat(Math.max(0, length - text.length())));
        return text.toString().getBytes(StandardCharsets.US_ASCII);
    }
}
