import CLinuxShims
import Glibc
import Logging

/// Where log lines go.
protocol LogSink: Sendable {
  /// Never waits long; a line that cannot be written is lost.
  func write(_ level: Logger.Level, _ line: String)
}

/// Makes one line of each event: message, then `key=value`, sorted.
struct LineLogHandler: LogHandler {
  let label: String
  let sink: any LogSink
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  var metadataProvider: Logger.MetadataProvider?

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var line = event.message.description
    var all = metadata
    if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
    if let own = event.metadata { all.merge(own) { $1 } }
    for (key, value) in all.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(value)" }
    // A line of the log is one line, whatever servers send.
    line = String(String.UnicodeScalarView(line.unicodeScalars.map { $0.value < 0x20 ? " " : $0 }))
    sink.write(event.level, line)
  }
}

/// A descriptor that gets lines with their time: standard error, or a file.
final class DescriptorLogSink: LogSink {
  private let descriptor: Int32

  init(descriptor: Int32) {
    self.descriptor = descriptor
  }

  /// Appends to a file.
  convenience init(path: String) throws(Failure) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
    guard descriptor >= 0 else { throw Failure("\(path): \(String(cString: strerror(errno)))") }
    self.init(descriptor: descriptor)
  }

  func write(_ level: Logger.Level, _ line: String) {
    let bytes = Array("\(Self.time()) \(level.rawValue): \(line)\n".utf8)
    _ = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
  }

  private static func time() -> String {
    var text = [CChar](repeating: 0, count: 25)
    afsfuse_timestamp(&text)
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// The journal or syslog, through /dev/log (RFC 3164's form, which both take).
final class SystemLogSink: LogSink {
  /// The facility `daemon` (RFC 3164, 4.1.1).
  private static let facility = 3
  private let socket: DatagramSocket

  init?() {
    guard let socket = DatagramSocket(path: "/dev/log") else { return nil }
    self.socket = socket
  }

  func write(_ level: Logger.Level, _ line: String) {
    socket.send(Array("<\(Self.facility * 8 + Self.severity(level))>afsfuse[\(getpid())]: \(line)".utf8))
  }

  private static func severity(_ level: Logger.Level) -> Int {
    switch level {
    case .critical: 2
    case .error: 3
    case .warning: 4
    case .notice: 5
    case .info: 6
    case .debug, .trace: 7
    }
  }
}

/// Where nobody listens: no system log, and none was asked for.
struct NoLogSink: LogSink {
  func write(_ level: Logger.Level, _ line: String) {}
}
