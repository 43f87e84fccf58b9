#define BT_ON_HTTP on_http
#include "blocktree.h"

static const bt_header json[] = {{BT_TEXT("content-type"), BT_TEXT("application/json")}};

/** `{"visits":7}`, in the memory of this event. */
static bt_bytes visits_as_json(uint64_t visits) {
  static const char start[] = "{\"visits\":";
  uint8_t digits[20];
  uint32_t count = 0;
  do digits[count++] = '0' + visits % 10;
  while (visits /= 10);
  uint32_t size = sizeof start - 1 + count + 1;
  uint8_t *text = bt_reserve(size);
  bt_copy(text, start, sizeof start - 1);
  for (uint32_t i = 0; i < count; i++) text[sizeof start - 1 + i] = digits[count - 1 - i];
  text[size - 1] = '}';
  return (bt_bytes){text, size};
}

static void on_http(const bt_incoming_request *request, bt_http_answer *answer) {
  answer->kind = BT_HTTP_ANSWER_NOW;
  bt_response *response = &answer->as.now;
  response->status = 404;
  if (!bt_equal(request->path, BT_TEXT("/api/visits"))) return;
  uint64_t visits = 0;
  response->status = 500;
  if (bt_kv_increment(BT_TEXT("visits"), 1, &visits) != 0) return;
  response->status = 200;
  response->headers = (bt_list_of_header){json, 1};
  response->body.kind = BT_RESPONSE_BODY_CONTENT;
  response->body.as.content = visits_as_json(visits);
}
