import { py } from "jsmeets-local";
import { useExpose } from "jsmeets-local/react";
import { useEffect, useState } from "react";

export default function App() {
    const [frequency, setFrequency] = useState(3);
    const [values, setValues] = useState<number[]>([]);
    const [step, setStep] = useState<number | string>("");
    useExpose("setFrequency", setFrequency);
    useEffect(() => {
        let isCurrent = true;
        void py.wave(frequency).then((wave: number[]) => { if (isCurrent) setValues(wave); });
        return () => { isCurrent = false; };
    }, [frequency]);
    const count = async () => { setStep(await py.count(20, setStep)); };
    return (
        <main>
            <h1>myapp</h1>
            <svg viewBox="0 -1.1 200 2.2" preserveAspectRatio="none">
                <polyline points={values.map((y, x) => `${x},${-y}`).join(" ")} />
            </svg>
            <input type="range" min="1" max="20" value={frequency} onChange={(event) => setFrequency(event.target.valueAsNumber)} />
            <p><button onClick={count}>Count in Python</button> <output>{step}</output></p>
        </main>
    );
}
