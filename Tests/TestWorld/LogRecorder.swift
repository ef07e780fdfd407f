import Logging
import Synchronization

/// Keeps what a client logs, for tests of what people are told.
package final class LogRecorder: Sendable {
  private let kept = Mutex<[String]>([])

  package var lines: [String] { kept.withLock { $0 } }

  /// Lines that contain `text`.
  package func lines(with text: String) -> [String] { lines.filter { $0.contains(text) } }

  fileprivate func add(_ line: String) {
    kept.withLock { $0.append(line) }
  }

  /// A handler which records notices and what is worse, and hands everything on.
  func handler(before next: any LogHandler) -> any LogHandler { Handler(recorder: self, next: next) }

  private struct Handler: LogHandler {
    let recorder: LogRecorder
    var next: any LogHandler
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    init(recorder: LogRecorder, next: any LogHandler) {
      self.recorder = recorder
      self.next = next
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      if event.level >= .info { recorder.add("\(event.message)") }
      if event.level >= next.logLevel { next.log(event: event) }
    }
  }
}
