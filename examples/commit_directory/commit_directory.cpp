// Commits a directory as a new version of a pod, lists the pod's versions, and reads one file of the oldest.
//
//   commit_directory STORE POD DIRECTORY FILE
#include <libpod/libpod.hpp>

#include <iostream>
#include <optional>
#include <span>

int main(int argc, char** argv) try {
  if (argc != 5) {
    std::cerr << "usage: commit_directory STORE POD DIRECTORY FILE\n";
    return 2;
  }
  auto store = pod::Store::open_or_init(argv[1]);
  const auto pod = pod::PodName::parse(argv[2]);
  const auto file = pod::StatePath::parse(argv[4]);

  pod::CommitOptions options;
  options.message = "by the example";
  options.author = {"Ada", "ada@example.org"};
  const auto result = pod::commit(store, pod, pod::Source::parse(argv[3]), options);
  std::cout << (result.created ? "made " : "nothing changed since ") << result.version->str() << '\n';

  std::optional<pod::Version> oldest;
  store.log(pod::PodRef::latest(pod), [&](const pod::Version& version) {
    std::cout << version.str() << "  " << pod::printable(version.subject()) << '\n';
    oldest = version;
    return true;
  });

  std::cout << file.str() << " in " << oldest->str() << ":\n";
  store.snapshot(*oldest).read(file, [](std::span<const std::byte> piece) {
    std::cout.write(reinterpret_cast<const char*>(piece.data()), static_cast<std::streamsize>(piece.size()));
  });
  return 0;
} catch (const pod::Error& error) {
  std::cerr << "commit_directory: " << error.what() << '\n';
  return pod::exit_code(error.code());
}
