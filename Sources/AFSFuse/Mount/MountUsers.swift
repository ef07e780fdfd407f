import Glibc

/// Who uses a mount: processes which work in it or hold its files open, as /proc tells without touching it.
package enum MountUsers {
  /// - Returns: `NAME (PID)`, ten at most. Processes of other users show only to root.
  package static func find(below path: String, max: Int = 10) -> [String] {
    guard let proc = opendir("/proc") else { return [] }
    defer { closedir(proc) }
    var users: [String] = []
    while users.count < max, let entry = readdir(proc) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard let pid = Int32(name), pid != getpid(), uses(pid, path) else { continue }
      let command = String(decoding: contents(ofFile: "/proc/\(pid)/comm") ?? [], as: UTF8.self)
      users.append("\(command.prefix { $0 != "\n" }) (\(pid))")
    }
    return users
  }

  private static func uses(_ pid: Int32, _ path: String) -> Bool {
    for link in ["cwd", "root", "exe"] where isBelow(link: "/proc/\(pid)/\(link)", path) { return true }
    guard let descriptors = opendir("/proc/\(pid)/fd") else { return false }
    defer { closedir(descriptors) }
    while let entry = readdir(descriptors) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if isBelow(link: "/proc/\(pid)/fd/\(name)", path) { return true }
    }
    return false
  }

  private static func isBelow(link: String, _ path: String) -> Bool {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = buffer.withUnsafeMutableBytes { bytes in
      bytes.baseAddress.map { readlink(link, $0.assumingMemoryBound(to: CChar.self), bytes.count) } ?? -1
    }
    guard count > 0 else { return false }
    let target = String(decoding: buffer[..<count], as: UTF8.self)
    return target == path || target.hasPrefix(path + "/")
  }
}
