import java.util.Properties;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** As producer.py, with Kafka's own client. */
public class Producer {
  public static void main(String[] arguments) throws Exception {
    boolean isPlain = arguments[2].equals("plain");
    Properties settings = new Properties();
    settings.put("bootstrap.servers", arguments[0]);
    settings.put("acks", "all");
    settings.put("linger.ms", "2");
    settings.put("batch.size", "4000");
    settings.put("enable.idempotence", String.valueOf(!isPlain));
    if (isPlain) settings.put("retries", "0");
    settings.put("delivery.timeout.ms", "120000");
    settings.put("request.timeout.ms", "10000");
    settings.put("max.block.ms", "120000");
    settings.put("metadata.max.age.ms", "1000");
    settings.put("reconnect.backoff.max.ms", "200");
    AtomicBoolean ended = new AtomicBoolean();
    Thread waiting = new Thread(() -> {
      try {
        while (System.in.read() >= 0) { }
      } catch (java.io.IOException ignored) {
        // Closed is ended.
      }
      ended.set(true);
    });
    waiting.setDaemon(true);
    waiting.start();
    try (KafkaProducer<String, String> producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
      AtomicInteger unanswered = new AtomicInteger();
      for (long number = 0; !ended.get(); number++) {
        // No more than what one takeover's wait may hold up: else records grow old in the queue.
        while (unanswered.get() >= 500) Thread.sleep(2);
        unanswered.incrementAndGet();
        long sent = number;
        producer.send(new ProducerRecord<>(arguments[1], sent + " " + "x".repeat(100)), (metadata, error) -> {
          unanswered.decrementAndGet();
          System.out.println(error == null ? "ok " + sent : "failed " + sent + " " + error.getClass().getSimpleName());
        });
        Thread.sleep(2);
      }
    }
  }
}
