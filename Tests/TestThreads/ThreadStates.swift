import Glibc

/// What each thread of this process is doing, a line each: name, where it sleeps in the kernel, its system call with the
/// arguments (proc_pid_syscall(5)), and as root the kernel's stack. For the message of a test that hung.
public func threadStates() -> String {
  var lines: [String] = []
  guard let folder = opendir("/proc/self/task") else { return "no /proc" }
  defer { closedir(folder) }
  while let entry = readdir(folder) {
    let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    guard name.first != "." else { continue }
    let texts = ["comm", "wchan", "syscall", "stack"].map { text(of: "/proc/self/task/\(name)/\($0)") }
    lines.append("\(name) " + texts.joined(separator: " | "))
  }
  return lines.joined(separator: "\n")
}

/// In one line; empty if it cannot be read.
private func text(of path: String) -> String {
  let file = open(path, O_RDONLY | O_CLOEXEC)
  guard file >= 0 else { return "" }
  defer { close(file) }
  var buffer = [UInt8](repeating: 0, count: 8192)
  let count = max(0, read(file, &buffer, buffer.count))
  return String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n").joined(separator: " < ")
}
