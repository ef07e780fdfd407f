import CFuse3
import Glibc
import Logging
import Synchronization

/// libfuse's messages, which go to standard error by default: into our log. One for the process, as libfuse's.
enum LibfuseLog {
  private static let logger = Mutex<Logger?>(nil)

  static func redirect(to logger: Logger) {
    let isFirst = Self.logger.withLock { current in
      defer { current = logger }
      return current == nil
    }
    if isFirst { fuse_set_log_func(libfuseSays) }
  }

  fileprivate static func log(_ level: fuse_log_level, _ text: String) {
    guard let logger = logger.withLock({ $0 }) else { return }
    let line = text.hasSuffix("\n") ? String(text.dropLast()) : text
    switch level {
    case FUSE_LOG_DEBUG, FUSE_LOG_INFO, FUSE_LOG_NOTICE: logger.debug("libfuse: \(line)")
    case FUSE_LOG_WARNING: logger.warning("libfuse: \(line)")
    default: logger.error("libfuse: \(line)")
    }
  }
}

private nonisolated func libfuseSays(
  _ level: fuse_log_level, _ format: UnsafePointer<CChar>?, _ arguments: CVaListPointer?
) {
  guard let format, let arguments else { return }
  var text = [CChar](repeating: 0, count: 512)
  vsnprintf(&text, text.count, format, arguments)
  LibfuseLog.log(level, String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
}
