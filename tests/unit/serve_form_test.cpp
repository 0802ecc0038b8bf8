// Forms that a browser without scripts sends.
#include <set>

#include "base/text.h"
#include "unit/serve_desk.h"

using namespace qrx;
using namespace qrx::test;

TEST_CASE("a form is one delivery, with its note, and names that were given twice are told apart") {
  Desk desk;
  const auto part = [](const std::string& head, const std::string& body) {
    return "--X\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + body + "\r\n";
  };
  const std::string big(300'000, 'b');
  const std::string form = part("name=note", "hello") + part("name=f; filename=\"image.jpg\"", "1") +
                           part("name=f; filename=\"image.jpg\"", "2") + part("name=f; filename=\"\"", "") +
                           part("name=f; filename=\"big.bin\"", big) + "--X--\r\n";
  const std::vector<http::Header> headers = {{"Content-Type", "multipart/form-data; boundary=X"},
                                             {"Accept", "text/html"}};
  const Got got = desk.drop("POST", "", headers, form);
  CHECK(got.status == 201);
  CHECK(got.type.starts_with("text/html"));
  CHECK(got.body.find("image (1).jpg") != std::string::npos);
  const wire::DeliveryInfo delivery = desk.info().deliveries.at(0);
  CHECK(delivery.message == "hello");
  CHECK(delivery.files.size() == 3);
  CHECK(desk.drop("POST", "", headers, part("name=note", " ") + "--X--").status == 400);
  CHECK(desk.drop("POST", "", headers, part("name=f; filename=\"../x\"", "x") + "--X--").status == 400);
  CHECK(desk.drop("POST", "", headers, part("name=f; filename=\"x\"", "x")).status == 400);
  CHECK(desk.drop("POST", "", {{"Content-Type", "text/plain"}}, "x").status == 415);
  CHECK(desk.info().deliveries.size() == 1);
  // A note without a file is a text.
  CHECK(desk.drop("POST", "", headers, part("name=note", " x ") + part("name=f; filename=\"\"", "") + "--X--").status ==
        201);
  const wire::DeliveryInfo note = desk.info().deliveries.at(1);
  CHECK(note.message == "x");
  CHECK(note.files.empty());
}

TEST_CASE("nothing that has bytes is dropped from a form: it is kept, or the form is refused") {
  const auto part = [](const std::string& head, const std::string& body) {
    return "--X\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + body + "\r\n";
  };
  const std::vector<http::Header> headers = {{"Content-Type", "multipart/form-data; boundary=X"}};
  const auto names_after = [&](const std::string& parts) {
    Desk desk;
    const Got got = desk.drop("POST", "", headers, parts + "--X--\r\n");
    if (got.status != 201) return std::to_string(got.status);
    std::string names;
    const wire::DeliveryInfo delivery = desk.info().deliveries.at(0);
    for (const wire::FileInfo& file : delivery.files) names += "[" + file.name + "]";
    return names + delivery.message;
  };
  CHECK(names_after(part("name=f; filename*=UTF-8''%E7%85%A7%E7%89%87.txt", "x")) == "[照片.txt]");
  CHECK(names_after(part("name=f; filename=\"a.txt\"; filename*=iso-8859-1'en'%A3.txt", "x")) == "[£.txt]");
  CHECK(names_after(part("name=f; filename*=UTF-8''%FF", "x")) == "400");
  CHECK(names_after(part("name=f; filename*=koi8-r''a", "x")) == "400");
  CHECK(names_after(part("name=f; filename=\"a.txt\"; filename*=koi8-r''b", "x")) == "[a.txt]");
  CHECK(names_after(part("name=f; filename*=UTF-8''%FF; filename=\"a.txt\"", "x")) == "[a.txt]");
  CHECK(names_after(part("name=f; filename=\"a.txt\"; filename*=UTF-8''", "x")) == "[a.txt]");
  CHECK(names_after(part("name=f; filename*=UTF-8''a; filename*=UTF-8''b", "x")) == "400");
  CHECK(names_after(part("name=f; filename=\"a\\b.txt\"", "x")) == "[a%5Cb.txt]");
  CHECK(names_after(part("name=f; filename=\"a%0Ab.txt\"", "x")) == "[a%0Ab.txt]");
  CHECK(names_after(part("name=note", "one") + part("name=message", "two") + part("name=f; filename=a", "x")) ==
        "[a]one\ntwo");
  CHECK(names_after(part("name=f; filename=\"\"", "has bytes") + part("name=f; filename=\"\"", "")) == "[upload]");
  CHECK(names_after(part("name=f; filename=\"\"", "1") + part("name=f; filename=\"\"", "2")) == "[upload][upload (1)]");
  CHECK(names_after(part("name=f; filename=\"caf\xE9.txt\"", "x")) == "[café.txt]");
  CHECK(names_after(part("name=f; filename=\"C:\\Users\\me\\a.txt\"", "x")) == "[a.txt]");
  CHECK(names_after(part("name=f; filename=\"say \\\"hi\\\".txt\"", "x")) == "[say \"hi\".txt]");
  CHECK(names_after(part("name=f; filename=\"a.txt\"", "x") + part("name=note", "late")) == "[a.txt]late");
  CHECK(names_after(part("name=f; filename=\"a.txt\"", "x") + part("name=comment", "lost?")) == "400");
  CHECK(names_after(part("name=f; filename=\"a.txt\"", "x") + part("name=button", "")) == "[a.txt]");
}

TEST_CASE("many files of one name are told apart without trying all numbers for each") {
  Desk desk;
  std::string form;
  for (int i = 0; i < 1000; ++i)
    form += "--X\r\nContent-Disposition: form-data; name=f; filename=\"a.txt\"\r\n\r\nx\r\n";
  const Got got = desk.drop("POST", "", {{"Content-Type", "multipart/form-data; boundary=X"}}, form + "--X--\r\n");
  CHECK(got.status == 201);
  const auto files = desk.info().deliveries.at(0).files;
  REQUIRE(files.size() == 1000);
  std::set<std::string> names;
  for (const wire::FileInfo& file : files) names.insert(file.name);
  CHECK(names.size() == 1000);
  CHECK(names.contains("a (999).txt"));
}
