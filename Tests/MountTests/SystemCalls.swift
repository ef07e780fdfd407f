import Glibc

/// An errno as a Swift error.
struct CallError: Error, Equatable {
  let code: Int32
  init(_ code: Int32) { self.code = code }
}

/// Throws when a system call failed.
@discardableResult
func call<Value: SignedInteger>(_ result: Value) throws -> Value {
  if result < 0 { throw CallError(errno) }
  return result
}

func writeFile(_ path: String, _ text: String) throws {
  let file = try call(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644))
  do {
    try call(text.withCString { write(file, $0, strlen($0)) })
  } catch {
    close(file)
    throw error
  }
  try call(close(file))
}

func readFile(_ path: String) throws -> String {
  let file = try call(open(path, O_RDONLY))
  defer { close(file) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 65536)
  while true {
    let count = try call(read(file, &buffer, buffer.count))
    if count == 0 { return String(decoding: bytes, as: UTF8.self) }
    bytes += buffer[..<count]
  }
}

/// Without `.` and `..`, sorted.
func list(_ path: String) throws -> [String] {
  guard let directory = opendir(path) else { throw CallError(errno) }
  defer { closedir(directory) }
  var names: [String] = []
  errno = 0
  while let entry = readdir(directory) {
    names.append(withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
  }
  if errno != 0 { throw CallError(errno) }
  return names.filter { $0 != "." && $0 != ".." }.sorted()
}

func size(_ path: String) throws -> Int {
  var status = stat()
  try call(lstat(path, &status))
  return Int(status.st_size)
}

func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
