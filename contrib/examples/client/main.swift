import Rx

let rx = try RxTransport()
let server = RxTarget(peer: RxAddress(ipv4: 0x7F00_0001, port: 9000), service: ServiceID(200))
let request = Array("hello".utf8)
let reply = try await rx.roundTrip(request, to: server, options: RxCallOptions(deadline: .seconds(10)), replyMax: 1024)
print(String(decoding: reply, as: UTF8.self))
await rx.shutDown()
