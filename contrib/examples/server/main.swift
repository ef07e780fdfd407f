import Rx

struct Echo: RxService {
  let id = ServiceID(200)
  func serve(_ stream: any RxStream, from call: RxIncomingCall) async {
    guard let request = try? await stream.receive(count: 1024) else { return }
    try? await stream.send(request, last: true)
  }
}
let rx = try RxTransport(options: RxTransportOptions(port: 9000))
rx.register(Echo())
while true { try await rx.timer.sleep(until: .distantFuture) }
