#include "portal/portal_screenshot.h"

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>

#include <gio/gio.h>

namespace qrx::portal {
namespace {

constexpr const char* portal_name = "org.freedesktop.portal.Desktop";
constexpr const char* portal_path = "/org/freedesktop/portal/desktop";
constexpr int call_ms = 20'000;  // the answer proper comes later, by a signal

struct Free {
  void operator()(GDBusConnection* it) const { g_object_unref(it); }
  void operator()(GFile* it) const { g_object_unref(it); }
  void operator()(GVariant* it) const { g_variant_unref(it); }
  void operator()(GMainLoop* it) const { g_main_loop_unref(it); }
  void operator()(GError* it) const { g_error_free(it); }
  void operator()(char* it) const { g_free(it); }
};
template <class T>
using Held = std::unique_ptr<T, Free>;

tl::unexpected<Error> failed(const std::string& doing, GError* error) {
  const Held<GError> held(error);
  return fail(Kind::other, doing + (held ? std::string(": ") + held->message : std::string()));
}

struct Answer {
  GMainLoop* loop = nullptr;
  std::optional<std::uint32_t> response;  // 0: done, 1: the user said no
  std::string uri;
};

void take_answer(GDBusConnection*, const char*, const char*, const char*, const char*, GVariant* parameters,
                 gpointer data) {
  auto& answer = *static_cast<Answer*>(data);
  if (!g_variant_is_of_type(parameters, G_VARIANT_TYPE("(ua{sv})"))) return;
  std::uint32_t response = 0;
  GVariant* results = nullptr;
  g_variant_get(parameters, "(u@a{sv})", &response, &results);
  const Held<GVariant> held(results);
  const char* uri = nullptr;
  if (g_variant_lookup(results, "uri", "&s", &uri)) answer.uri = uri;
  answer.response = response;
  g_main_loop_quit(answer.loop);
}

// Where the portal will answer: made of our name on the bus (org.freedesktop.portal.Request), so that we listen before
// we ask. The other way round a quick answer would be missed, and the wait never end.
std::string request_path(GDBusConnection* bus, const std::string& token) {
  const char* name = g_dbus_connection_get_unique_name(bus);
  std::string sender(name != nullptr && *name == ':' ? name + 1 : "");
  std::replace(sender.begin(), sender.end(), '.', '_');
  return std::string(portal_path) + "/request/" + sender + "/" + token;
}

Result<std::string> read_and_remove(const std::string& uri) {
  const Held<GFile> file(g_file_new_for_uri(uri.c_str()));
  char* bytes = nullptr;
  gsize size = 0;
  GError* error = nullptr;
  if (!g_file_load_contents(file.get(), nullptr, &bytes, &size, nullptr, &error))
    return failed("the desktop's picture cannot be read", error);
  const Held<char> held(bytes);
  // That it stays behind is no reason to fail: the picture is there. But nobody asked for a file in ~/Pictures.
  (void)g_file_delete(file.get(), nullptr, nullptr);
  return std::string(bytes, size);
}

}  // namespace

Result<std::string> take_screenshot() {
  GError* error = nullptr;
  const Held<GDBusConnection> bus(g_bus_get_sync(G_BUS_TYPE_SESSION, nullptr, &error));
  if (!bus) return failed("there is no D-Bus session", error);
  const Held<GMainLoop> loop(g_main_loop_new(nullptr, FALSE));
  Answer answer{loop.get(), {}, {}};
  // The process lives for this one call, so its number makes the token unique on this connection.
  const std::string token = "qrx" + std::to_string(::getpid());
  const guint listening = g_dbus_connection_signal_subscribe(
      bus.get(), portal_name, "org.freedesktop.portal.Request", "Response", request_path(bus.get(), token).c_str(),
      nullptr, G_DBUS_SIGNAL_FLAGS_NONE, take_answer, &answer, nullptr);
  GVariantBuilder options;
  g_variant_builder_init(&options, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add(&options, "{sv}", "handle_token", g_variant_new_string(token.c_str()));
  g_variant_builder_add(&options, "{sv}", "interactive", g_variant_new_boolean(FALSE));
  const Held<GVariant> asked(g_dbus_connection_call_sync(
      bus.get(), portal_name, portal_path, "org.freedesktop.portal.Screenshot", "Screenshot",
      g_variant_new("(sa{sv})", "", &options), nullptr, G_DBUS_CALL_FLAGS_NONE, call_ms, nullptr, &error));
  // Without an end of its own: the user may take their time. Whoever started this process ends it.
  if (asked) g_main_loop_run(loop.get());
  g_dbus_connection_signal_unsubscribe(bus.get(), listening);
  if (!asked) return failed("the desktop has no portal for screenshots", error);
  if (answer.response == 1) return fail(Kind::denied, "the screenshot was not allowed");
  if (answer.response != 0 || answer.uri.empty()) return fail(Kind::other, "the desktop took no screenshot");
  return read_and_remove(answer.uri);
}

}  // namespace qrx::portal
