/**
 * Files: one folder that the person chose, in the browser.
 *
 *   GET    /api/list/<path>?after=…   {"entries":[{"name","kind","size","modified"}…],"next"}
 *   POST   /api/folder/<path>         makes a folder
 *   GET    /file/<path>               content; ranges, conditions; the node sends it, the bytes never come in here
 *   PUT    /file/<path>               content; with `if-none-match: *` only where nothing is
 *   DELETE /file/<path>               file or folder, with what is in it
 *
 * Whatever is stored in the folder is somebody's content, not a part of this app: it is sent in a sandbox without scripts,
 * and shown in the browser only when it is a picture, sound, film or plain text.
 */
#define BT_ON_HTTP on_http
#include "blocktree.h"
#include "text.h"
#include "range.h"

#define PART_BYTES (512 * 1024)
#define HEADERS_MAX 10
#define PAGE_ENTRIES 500

static bt_response *response;
static bt_header *headers;

static void add_header(bt_bytes name, bt_bytes value) {
  headers[response->headers.count++] = (bt_header){name, value};
}

static void answer_text(uint32_t status, bt_bytes type, bt_bytes content) {
  response->status = status;
  add_header(BT_TEXT("content-type"), type);
  add_header(BT_TEXT("cache-control"), BT_TEXT("no-store"));
  response->body.kind = BT_RESPONSE_BODY_CONTENT;
  response->body.as.content = content;
}

static void refuse(uint32_t status, bt_bytes problem) {
  text t = {0};
  put(&t, BT_TEXT("{\"problem\":"));
  put_json(&t, problem);
  put(&t, BT_TEXT("}"));
  answer_text(status, BT_TEXT("application/json"), whole(&t));
}

/** What the node said goes to the log; the page is told in general. */
static void refuse_failure(bt_status status) {
  bt_bytes explanation = bt_explanation;
  switch (status) {
    case BT_FAILURE_NOT_FOUND: return refuse(404, BT_TEXT("there is no such file or folder"));
    case BT_FAILURE_EXISTS: return refuse(409, BT_TEXT("there is something of this name already"));
    case BT_FAILURE_CONFLICT: return refuse(412, BT_TEXT("it was changed meanwhile"));
    case BT_FAILURE_INVALID: return refuse(400, BT_TEXT("a file or folder cannot have this name"));
    case BT_FAILURE_NO_SPACE: return refuse(507, BT_TEXT("there is no room left"));
    default: break;
  }
  bt_log_write(BT_LOG_LEVEL_ERROR, explanation);
  if (status == BT_FAILURE_DENIED || status == BT_FAILURE_REVOKED)
    return refuse(403, BT_TEXT("the permission for the folder was taken back"));
  refuse(503, BT_TEXT("it did not work; try again"));
}

static bt_bytes header_of(const bt_incoming_request *request, bt_bytes name) {
  for (uint32_t i = 0; i < request->headers.count; i++)
    if (bt_equal(request->headers.items[i].name, name)) return request->headers.items[i].value;
  return (bt_bytes){0, 0};
}

/** `/folder/<path>`, where `rest` is what follows the route; the folder itself when nothing follows. */
static bt_bytes path_of(bt_bytes rest) {
  text t = {0};
  put(&t, BT_TEXT("/folder"));
  while (rest.size > 0 && rest.data[rest.size - 1] == '/') rest.size--;
  if (rest.size > 0) put(&t, BT_TEXT("/"));
  put(&t, rest);
  return whole(&t);
}

static bt_bytes name_of(bt_bytes path) {
  uint32_t at = path.size;
  while (at > 0 && path.data[at - 1] != '/') at--;
  return after(path, at);
}

static void put_entry(text *t, const bt_entry *entry) {
  put(t, BT_TEXT("{\"name\":"));
  put_json(t, entry->name);
  put(t, entry->kind == BT_ENTRY_KIND_DIRECTORY ? BT_TEXT(",\"kind\":\"folder\"") : BT_TEXT(",\"kind\":\"file\""));
  put(t, BT_TEXT(",\"size\":"));
  put_number(t, entry->size);
  if (entry->modified.is_present) {
    put(t, BT_TEXT(",\"modified\":"));
    put_number(t, entry->modified.value / 1000);
  }
  put(t, BT_TEXT("}"));
}

static int32_t hex_digit(uint8_t byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  byte |= 0x20;
  return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/** The cursor of a page, decoded: names may hold anything. */
static bt_optional_bytes cursor_of(bt_optional_bytes query) {
  if (!query.is_present || !starts_with(query.value, BT_TEXT("after="))) return (bt_optional_bytes){0};
  bt_bytes value = after(query.value, 6);
  text t = {0};
  for (uint32_t i = 0; i < value.size; i++) {
    uint8_t byte = value.data[i];
    if (byte == '%' && i + 2 < value.size && hex_digit(value.data[i + 1]) >= 0 && hex_digit(value.data[i + 2]) >= 0) {
      byte = (uint8_t)(hex_digit(value.data[i + 1]) << 4 | hex_digit(value.data[i + 2]));
      i += 2;
    }
    put(&t, (bt_bytes){&byte, 1});
  }
  return (bt_optional_bytes){true, whole(&t)};
}

static void list(const bt_incoming_request *request, bt_bytes path) {
  bt_entry_page page;
  bt_status status = bt_files_list_directory(path, cursor_of(request->query), PAGE_ENTRIES, &page);
  if (status != 0) return refuse_failure(status);
  text t = {0};
  put(&t, BT_TEXT("{\"entries\":["));
  for (uint32_t i = 0; i < page.entries.count; i++) {
    if (page.entries.items[i].kind == BT_ENTRY_KIND_OTHER) continue; // a link leads nowhere from here
    if (t.data[t.size - 1] == '}') put(&t, BT_TEXT(","));
    put_entry(&t, &page.entries.items[i]);
  }
  put(&t, BT_TEXT("]"));
  if (page.next.is_present) {
    put(&t, BT_TEXT(",\"next\":"));
    put_json(&t, page.next.value);
  }
  put(&t, BT_TEXT("}"));
  answer_text(200, BT_TEXT("application/json"), whole(&t));
}

/** Endings of what a browser may show, and as what. */
static const struct {
  bt_bytes ending;
  bt_bytes type;
} shown_types[] = {
    {BT_TEXT(".jpg"), BT_TEXT("image/jpeg")},   {BT_TEXT(".jpeg"), BT_TEXT("image/jpeg")},
    {BT_TEXT(".png"), BT_TEXT("image/png")},    {BT_TEXT(".gif"), BT_TEXT("image/gif")},
    {BT_TEXT(".webp"), BT_TEXT("image/webp")},  {BT_TEXT(".avif"), BT_TEXT("image/avif")},
    {BT_TEXT(".mp3"), BT_TEXT("audio/mpeg")},   {BT_TEXT(".ogg"), BT_TEXT("audio/ogg")},
    {BT_TEXT(".wav"), BT_TEXT("audio/wav")},    {BT_TEXT(".mp4"), BT_TEXT("video/mp4")},
    {BT_TEXT(".webm"), BT_TEXT("video/webm")},  {BT_TEXT(".txt"), BT_TEXT("text/plain; charset=utf-8")},
    {BT_TEXT(".md"), BT_TEXT("text/plain; charset=utf-8")},
};

static void add_type(bt_bytes name) {
  for (uint32_t i = 0; i < sizeof shown_types / sizeof shown_types[0]; i++) {
    if (!ends_with(name, shown_types[i].ending)) continue;
    return add_header(BT_TEXT("content-type"), shown_types[i].type);
  }
  add_header(BT_TEXT("content-type"), BT_TEXT("application/octet-stream"));
  text t = {0};
  put(&t, BT_TEXT("attachment; filename*=UTF-8''"));
  put_escaped(&t, name);
  add_header(BT_TEXT("content-disposition"), whole(&t));
}

static bt_bytes entity_tag(bt_optional_bytes version) {
  text t = {0};
  put(&t, BT_TEXT("\""));
  if (version.is_present) put_hex(&t, version.value);
  put(&t, BT_TEXT("\""));
  return whole(&t);
}

static bt_bytes content_range(const byte_range *range, uint64_t size) {
  text t = {0};
  put(&t, BT_TEXT("bytes "));
  if (range->kind == RANGE_NONE) put(&t, BT_TEXT("*"));
  else {
    put_number(&t, range->offset);
    put(&t, BT_TEXT("-"));
    put_number(&t, range->offset + range->length - 1);
  }
  put(&t, BT_TEXT("/"));
  put_number(&t, size);
  return whole(&t);
}

/** A range counts only for the version that the client has begun with. */
static byte_range asked_range(const bt_incoming_request *request, bt_bytes tag, uint64_t size) {
  bt_bytes condition = header_of(request, BT_TEXT("if-range"));
  if (condition.size > 0 && !bt_equal(condition, tag)) return (byte_range){RANGE_ALL, 0, size};
  return range_of(header_of(request, BT_TEXT("range")), size);
}

static void send_file(const bt_incoming_request *request, bt_bytes path) {
  bt_opened file;
  bt_status status = bt_files_open(path, BT_OPEN_MODE_READ, &file);
  if (status != 0) return refuse_failure(status);
  bt_bytes tag = entity_tag(file.version);
  add_header(BT_TEXT("etag"), tag);
  add_header(BT_TEXT("accept-ranges"), BT_TEXT("bytes"));
  add_header(BT_TEXT("cache-control"), BT_TEXT("private, no-cache"));
  if (bt_equal(header_of(request, BT_TEXT("if-none-match")), tag)) {
    response->status = 304;
    bt_files_close(file.handle);
    return;
  }
  byte_range range = asked_range(request, tag, file.size);
  if (range.kind != RANGE_ALL) add_header(BT_TEXT("content-range"), content_range(&range, file.size));
  if (range.kind == RANGE_NONE) {
    response->status = 416;
    bt_files_close(file.handle);
    return;
  }
  add_header(BT_TEXT("content-security-policy"), BT_TEXT("sandbox; default-src 'none'; img-src 'self'; media-src 'self'"));
  add_type(name_of(path));
  response->status = range.kind == RANGE_PART ? 206 : 200;
  response->body.kind = BT_RESPONSE_BODY_FILE;
  response->body.as.file = (bt_file_range){file.handle, range.offset, range.length};
}

/** In memory of one event nothing is freed, so one part is read and written at a time, over the same place. */
static bt_status store_body(const bt_incoming_request *request, uint32_t file) {
  bt_status status = bt_files_write(file, 0, request->content);
  uint64_t at = request->content.size;
  bool more = request->more;
  uintptr_t top = bt_top;
  while (status == 0 && more) {
    bt_body_part part;
    bt_top = top;
    status = bt_http_server_read(request->request, PART_BYTES, &part);
    if (status != 0) break;
    status = bt_files_write(file, at, part.content);
    at += part.content.size;
    more = !part.last;
  }
  return status;
}

static void store_file(const bt_incoming_request *request, bt_bytes path) {
  bool is_new = bt_equal(header_of(request, BT_TEXT("if-none-match")), BT_TEXT("*"));
  bt_opened file;
  uint32_t mode = BT_OPEN_MODE_WRITE | BT_OPEN_MODE_CREATE | BT_OPEN_MODE_TRUNCATE;
  bt_status status = bt_files_open(path, is_new ? mode | BT_OPEN_MODE_EXCLUSIVE : mode, &file);
  if (status != 0) return refuse_failure(status);
  status = store_body(request, file.handle);
  bt_bytes version;
  bt_write_options options = {.expected = {.kind = is_new ? BT_EXPECTATION_ABSENT : BT_EXPECTATION_ANYTHING}};
  if (status == 0) status = bt_files_commit(file.handle, &options, &version);
  bt_bytes explanation = bt_explanation;
  bt_files_close(file.handle);
  bt_explanation = explanation;
  if (status != 0) return refuse_failure(status);
  response->status = 204;
  add_header(BT_TEXT("etag"), entity_tag((bt_optional_bytes){true, version}));
}

static void done(bt_status status, uint32_t code) {
  if (status != 0) return refuse_failure(status);
  response->status = code;
}

static void handle_file(const bt_incoming_request *request, bt_bytes path) {
  if (bt_equal(request->method, BT_TEXT("GET")) || bt_equal(request->method, BT_TEXT("HEAD")))
    return send_file(request, path);
  if (bt_equal(request->method, BT_TEXT("PUT"))) return store_file(request, path);
  bt_expectation expected = {.kind = BT_EXPECTATION_ANYTHING};
  if (bt_equal(request->method, BT_TEXT("DELETE"))) return done(bt_files_remove(path, true, &expected), 204);
  refuse(405, BT_TEXT("use GET, PUT or DELETE"));
}

static void on_http(const bt_incoming_request *request, bt_http_answer *answer) {
  answer->kind = BT_HTTP_ANSWER_NOW;
  response = &answer->as.now;
  headers = bt_reserve(HEADERS_MAX * sizeof(bt_header));
  response->headers = (bt_list_of_header){headers, 0};
  response->body.kind = BT_RESPONSE_BODY_EMPTY;
  bt_bytes path = request->path;
  if (starts_with(path, BT_TEXT("/file/"))) return handle_file(request, path_of(after(path, 6)));
  if (starts_with(path, BT_TEXT("/api/list/"))) {
    if (!bt_equal(request->method, BT_TEXT("GET"))) return refuse(405, BT_TEXT("use GET"));
    return list(request, path_of(after(path, 10)));
  }
  if (starts_with(path, BT_TEXT("/api/folder/"))) {
    if (!bt_equal(request->method, BT_TEXT("POST"))) return refuse(405, BT_TEXT("use POST"));
    return done(bt_files_create_directory(path_of(after(path, 12))), 201);
  }
  refuse(404, BT_TEXT("there is no such path"));
}
