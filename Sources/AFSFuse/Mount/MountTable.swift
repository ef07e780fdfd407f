import Glibc

/// One line of /proc/self/mountinfo (proc(5)).
package struct MountTableEntry: Hashable, Sendable {
  package var mountPoint: String
  package var type: String
  package var source: String
  /// `MAJOR:MINOR`, also the name of the mount's folder in /sys/class/bdi.
  package var device: String
  /// Who mounted a FUSE file system; nil where it does not say.
  package var userID: UInt32?
  package var groupID: UInt32?

  /// nil for a line of another form.
  package init?(_ line: Substring) {
    let words = line.split(separator: " ")
    guard words.count >= 10, let separator = words.firstIndex(of: "-"), separator + 2 < words.count else { return nil }
    device = String(words[2])
    mountPoint = Self.unescaped(words[4])
    type = String(words[separator + 1])
    source = Self.unescaped(words[separator + 2])
    let options = (separator + 3 < words.count ? words[separator + 3] : "").split(separator: ",")
    userID = Self.number("user_id=", in: options)
    groupID = Self.number("group_id=", in: options)
  }

  private static func number(_ name: String, in options: [Substring]) -> UInt32? {
    options.first { $0.hasPrefix(name) }.flatMap { UInt32($0.dropFirst(name.count)) }
  }

  /// Blanks and the like are written as `\040`.
  private static func unescaped(_ word: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(word.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\"), rest.count >= 3,
        let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
      else {
        bytes.append(byte)
        continue
      }
      bytes.append(code)
      rest = rest.dropFirst(3)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// The mounts of this process's namespace. Reading it does not touch the mounted file systems.
package enum MountTable {
  package static func read() -> [MountTableEntry] {
    let text = contents(ofFile: "/proc/self/mountinfo") ?? []
    return String(decoding: text, as: UTF8.self).split(separator: "\n").compactMap { MountTableEntry($0) }
  }

  /// All mounts of this program, whoever serves them, that a path leads to.
  package static var own: [MountTableEntry] { own(in: read()) }

  /// None that another mount at the same place hides.
  static func own(in entries: [MountTableEntry]) -> [MountTableEntry] {
    var topmost: [String: Int] = [:]
    for (index, entry) in entries.enumerated() { topmost[entry.mountPoint] = index }
    return entries.enumerated().filter { index, entry in
      entry.type == MountOptions.type && topmost[entry.mountPoint] == index
    }.map(\.element)
  }

  /// The topmost mount at `path` (an absolute path without symbolic links).
  package static func entry(at path: String) -> MountTableEntry? {
    read().last { $0.mountPoint == path }
  }
}

/// A small file of /proc, /sys or /etc; nil if it cannot be read.
func contents(ofFile path: String) -> [UInt8]? {
  let file = open(path, O_RDONLY | O_CLOEXEC)
  guard file >= 0 else { return nil }
  defer { close(file) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 16384)
  while true {
    let count = read(file, &chunk, chunk.count)
    if count < 0, errno == EINTR { continue }
    guard count > 0 else { return count == 0 ? bytes : nil }
    bytes.append(contentsOf: chunk[..<count])
  }
}
