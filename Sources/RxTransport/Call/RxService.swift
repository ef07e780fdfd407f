public import RxCore

/// A service at one of our ports: RXAFSCB of the client; VL, RXAFS and PR of the mock cell.
public protocol RxService: Sendable {
  var id: ServiceID { get }

  /// Whether the task of a handler is cancelled when its call ends and the reply has not been sent: its client has aborted
  /// it, or gives no sign of life. True unless a service says otherwise, whose procedures are to be done to their end
  /// once they have begun. The end of the port cancels all handlers.
  var cancelsHandlers: Bool { get }

  /// Serves one call: reads the request, sends the reply with `last: true`, or aborts. Runs in a task that serves no
  /// other call meanwhile, and is cancelled with its call (`cancelsHandlers`), but not by its own `abort`. A handler that
  /// returns without having ended its stream gets it aborted.
  func serve(_ stream: any RxStream, from call: RxIncomingCall) async
}

extension RxService {
  public var cancelsHandlers: Bool { true }
}
