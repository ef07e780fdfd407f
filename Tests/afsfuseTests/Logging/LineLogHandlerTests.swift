import Logging
import Synchronization
import Testing

@testable import afsfuse

@Suite struct LineLogHandlerTests {
  private final class Lines: LogSink {
    let all = Mutex<[String]>([])
    func write(_ level: Logger.Level, _ line: String) { all.withLock { $0.append("\(level) \(line)") } }
  }

  @Test("An event is one line: the message, then what belongs to it, sorted")
  func line() {
    let lines = Lines()
    var logger = Logger(label: "x") { LineLogHandler(label: $0, sink: lines, logLevel: .info) }
    logger[metadataKey: "mount"] = "/afs"
    logger.info("hello", metadata: ["b": "2", "a": "1"])
    logger.debug("too fine")
    #expect(lines.all.withLock { $0 } == ["info hello a=1 b=2 mount=/afs"])
  }

  @Test("What servers send cannot start a line of its own")
  func injection() {
    let lines = Lines()
    let logger = Logger(label: "x") { LineLogHandler(label: $0, sink: lines, logLevel: .info) }
    logger.error("volume a\nnotice: all is well\u{1b}[2J")
    #expect(lines.all.withLock { $0 } == ["error volume a notice: all is well [2J"])
  }
}
